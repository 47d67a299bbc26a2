import { useTranslation } from 'react-i18next';
import { Panel } from '@/ui/Failure';
import styles from './ask.module.css';
import { Composer } from './Composer';
import { Convergence } from './Convergence';
import { Recents } from './Recents';

export function AskPage() {
  const { t } = useTranslation('ask');
  return (
    <div className={styles['page']}>
      <div className={styles['hero']}>
        <div className={styles['words']}>
          <h1 className={styles['title']}>{t('title')}</h1>
          <p className={styles['lede']}>{t('lede')}</p>
        </div>
        <Convergence />
        <Panel>
          <Composer />
        </Panel>
      </div>
      <Panel>
        <Recents />
      </Panel>
    </div>
  );
}
