import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { Button, buttonClass } from '@/ui/Button';
import { useFormats } from '@/ui/format';
import { Icon } from '@/ui/Icon';
import { councilName, LIMIT_NAMES, type Listed } from './council';
import styles from './councils.module.css';
import { download } from './download';
import { exported, fileName } from './exchange';
import { councilPaths } from './places';
import { SeatCard } from './SeatCard';
import { useDeletion } from './useDeletion';

export function CouncilView({ council }: { readonly council: Listed }) {
  const { t } = useTranslation('councils');
  return (
    <div className={styles['view']}>
      <header className={styles['viewHead']}>
        <h2 className={styles['viewTitle']}>{councilName(council)}</h2>
        {council.preset && <span className={styles['tag']}>{t('list.readOnly')}</span>}
      </header>
      <ViewActions council={council} />
      {council.preset && <p className={styles['hint']}>{t('view.readOnly')}</p>}
      <Facts council={council} />
      <section className={styles['seats']} aria-label={t('view.agents')}>
        <h3 className={styles['overline']}>{t('view.agents')}</h3>
        <ul className={styles['cards']}>
          {council.agents.map((seat, at) => (
            <li key={seat.agentId}>
              <SeatCard seat={seat} index={at} />
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}

function ViewActions({ council }: { readonly council: Listed }) {
  const { t } = useTranslation('councils');
  const { isDeleting, remove } = useDeletion(council);
  return (
    <div className={styles['actions']} role="group" aria-label={t('view.actions')}>
      <Link href={councilPaths.ask(council.id)} className={buttonClass('primary')}>
        <Icon name="send" />
        {t('view.ask')}
      </Link>
      {!council.preset && (
        <Link href={councilPaths.edit(council.id)} className={buttonClass()}>
          <Icon name="edit" />
          {t('view.edit')}
        </Link>
      )}
      <Link href={councilPaths.copy(council.id)} className={buttonClass()}>
        <Icon name="copy" />
        {t('view.copy')}
      </Link>
      <Button kind="quiet" icon="download" onClick={() => download(fileName(council), exported(council))}>
        {t('view.export')}
      </Button>
      {!council.preset && (
        <Button kind="quiet" icon="delete" disabled={isDeleting} onClick={remove}>
          {t('view.delete')}
        </Button>
      )}
    </div>
  );
}

function Facts({ council }: { readonly council: Listed }) {
  const { t } = useTranslation('councils');
  const format = useFormats();
  const limits = LIMIT_NAMES.flatMap((name) => {
    const seconds = council.limits?.[name];
    return typeof seconds === 'number' ? [{ name, seconds }] : [];
  });
  return (
    <dl className={styles['facts']}>
      <div>
        <dt>{t('view.id')}</dt>
        <dd className={styles['mono']}>{council.id}</dd>
      </div>
      <div>
        <dt>{t('view.rule')}</dt>
        <dd>{t(`rule.${council.rule ?? 'judge'}`, { ns: 'common' })}</dd>
      </div>
      <div>
        <dt>{t('view.limits')}</dt>
        {limits.length === 0 && <dd>{t('view.limitsDefault')}</dd>}
        {limits.map(({ name, seconds }) => (
          <dd key={name}>
            {t(`limit.${name}`)} <span className={styles['mono']}>{t('seconds', { n: format.count(seconds) })}</span>
          </dd>
        ))}
      </div>
      {council.updatedAt !== null && (
        <div>
          <dt>{t('view.updated')}</dt>
          <dd>{format.moment(council.updatedAt)}</dd>
        </div>
      )}
    </dl>
  );
}
