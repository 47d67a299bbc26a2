import { useTranslation } from 'react-i18next';
import type { SeatRequest } from '@/protocol/types';

/** Gives the number of a council's agents that take part, in words. */
export function useSeats(): (council: { readonly agents: readonly SeatRequest[] }) => string {
  const { t } = useTranslation('councils');
  return ({ agents }) => {
    const seated = agents.filter(({ enabled }) => enabled !== false);
    const judges = seated.filter(({ role }) => role === 'judge').length;
    const sages = seated.length - judges;
    return judges === 0 ? t('list.seatsNoJudge', { sages }) : t('list.seats', { sages, judges });
  };
}
