import { useTranslation } from 'react-i18next';
import styles from './App.module.css';

/** Stands where something is waited for. */
export function Loading() {
  const { t } = useTranslation('common');
  return <p className={styles['loading']}>{t('loading')}</p>;
}
