import { useTranslation } from 'react-i18next';
import { useFormats } from '@/ui/format';
import { leftOf, type DraftField } from './question';

/** How many characters are left, near the bound. */
export function useLeft(): (field: DraftField, text: string) => string | undefined {
  const { t } = useTranslation('ask');
  const format = useFormats();
  return (field, text) => {
    const left = leftOf(field, text.trim());
    return left === null || left < 0 ? undefined : t('left', { n: format.count(left) });
  };
}
