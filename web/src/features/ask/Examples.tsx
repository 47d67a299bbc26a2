import { useTranslation } from 'react-i18next';
import { useToast } from '@/ui/Toasts';
import styles from './ask.module.css';

const EXAMPLES = ['rewrite', 'week', 'buy', 'launch'] as const;

interface ExamplesProps {
  readonly current: string;
  readonly onPick: (question: string) => void;
}

/** Questions to begin with. What was written before one was picked can be had back. */
export function Examples({ current, onPick }: ExamplesProps) {
  const { t } = useTranslation('ask');
  const toast = useToast();
  const pick = (question: string) => {
    onPick(question);
    const isOwn = current.trim() !== '' && !EXAMPLES.some((name) => t(`examples.${name}`) === current);
    if (isOwn) {
      toast({
        text: t('examples.replaced'),
        action: { label: t('undo', { ns: 'common' }), run: () => onPick(current) },
      });
    }
  };
  return (
    <section className={styles['examples']} aria-labelledby="ask-examples">
      <h2 id="ask-examples" className={styles['overline']}>
        {t('examples.title')}
      </h2>
      <ul className={styles['exampleList']}>
        {EXAMPLES.map((name) => (
          <li key={name}>
            <button type="button" className={styles['example']} onClick={() => pick(t(`examples.${name}`))}>
              {t(`examples.${name}`)}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
