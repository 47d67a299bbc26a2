import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { Button, buttonClass, IconButton } from '@/ui/Button';
import { Icon } from '@/ui/Icon';
import { paths } from '@/ui/paths';
import styles from './CompareBar.module.css';
import { inOrder, nameOf, type Item } from './items';

interface CompareBarProps {
  /** One or two. */
  readonly selected: readonly Item[];
  readonly onDrop: (item: Item) => void;
  readonly onClear: () => void;
}

/** What was selected, and the way to see it side by side. */
export function CompareBar({ selected, onDrop, onClear }: CompareBarProps) {
  const { t } = useTranslation('history');
  const [first, second] = selected;
  if (first === undefined) return null;
  const pair = second === undefined ? null : inOrder(first, second);
  return (
    <section className={styles['bar']} aria-label={t('compare.label')}>
      <ol className={styles['pair']}>
        {(pair ?? [first]).map((item, place) => (
          <li key={item.deliberationId} className={styles['one']}>
            <span className={styles['letter']}>{'AB'.charAt(place)}</span>
            <span className={styles['name']}>{nameOf(item)}</span>
            <IconButton
              icon="close"
              small
              label={t('compare.drop', { name: nameOf(item) })}
              title={t('compare.dropShort')}
              onClick={() => onDrop(item)}
            />
          </li>
        ))}
        {pair === null && <li className={styles['hint']}>{t('compare.second')}</li>}
      </ol>
      <div className={styles['actions']}>
        <Button kind="quiet" onClick={onClear}>
          {t('compare.clear')}
        </Button>
        {pair !== null && (
          <Link href={paths.compare(pair[0].deliberationId, pair[1].deliberationId)} className={buttonClass('primary')}>
            <Icon name="compare" />
            {t('compare.go')}
          </Link>
        )}
      </div>
    </section>
  );
}
