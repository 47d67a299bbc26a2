import { useTranslation } from 'react-i18next';
import { useFormats } from '@/ui/format';
import type { Fault, Flaw } from './check';
import { LIMIT_NAMES } from './council';

const SEAT_LABELS = {
  agentId: 'edit.agentId',
  name: 'edit.agentName',
  role: 'edit.role',
  model: 'edit.model',
  systemPrompt: 'edit.persona',
  temperature: 'edit.temperature',
  topP: 'edit.topP',
  topK: 'edit.topK',
  maxTokens: 'edit.maxTokens',
  enabled: 'edit.enabled',
} as const;
const LABELS = { id: 'edit.id', name: 'edit.name', rule: 'edit.rule', agents: 'edit.agents' } as const;

/** What is wrong, and where, in the words of the page. */
export function useFaultWords() {
  const { t } = useTranslation('councils');
  const format = useFormats();
  const what = ({ code, values = {} }: Flaw): string =>
    t(`fault.${code}`, {
      replace: Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, typeof value === 'number' ? format.count(value) : value]),
      ),
    });
  /** A field's label in the form, for a path such as `agents.0.name`. */
  const where = (field: string): string => {
    const seat = /^agents\.(\d+)\.(\w+)$/.exec(field);
    if (seat !== null) {
      const [, at = '', name = ''] = seat;
      const label = name in SEAT_LABELS ? t(SEAT_LABELS[name as keyof typeof SEAT_LABELS]) : name;
      return t('seatField', { n: Number(at) + 1, field: label });
    }
    const limit = LIMIT_NAMES.find((name) => field === `limits.${name}`);
    if (limit !== undefined) return t(`limit.${limit}`);
    if (field in LABELS) return t(LABELS[field as keyof typeof LABELS]);
    return field === '' ? t('whole') : field;
  };
  return { what, where, inForm: (fault: Fault) => t('faultAt', { field: where(fault.field), what: what(fault) }) };
}
