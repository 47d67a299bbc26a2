import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation, useSearchParams } from 'wouter';
import { Button, buttonClass } from '@/ui/Button';
import { FailureNotice, Panel } from '@/ui/Failure';
import { Icon } from '@/ui/Icon';
import { Notice } from '@/ui/Notice';
import { paths } from '@/ui/paths';
import type { Listed, WrittenCouncil } from './council';
import { CouncilEditor } from './CouncilEditor';
import { CouncilList } from './CouncilList';
import styles from './councils.module.css';
import { CouncilView } from './CouncilView';
import { ImportDialog } from './ImportDialog';
import { editionOf } from './edition';
import { councilPaths, placeOf, type Place } from './places';
import { useCouncils } from './useCouncils';

export function CouncilsPage() {
  const { t } = useTranslation('councils');
  const [search] = useSearchParams();
  const { data, error, isPending, refetch } = useCouncils();
  /** What the import dialog handed to the editor. */
  const [handed, setHanded] = useState<WrittenCouncil | null>(null);
  if (data === undefined) {
    return (
      <div className={styles['page']}>
        <h1>{t('title')}</h1>
        {isPending && <p className={styles['loading']}>{t('loading', { ns: 'common' })}</p>}
        {error !== null && <FailureNotice error={error} onRetry={() => void refetch()} />}
      </div>
    );
  }
  const place = placeOf(search);
  if (place.kind === 'see') {
    return <Overview councils={data} id={place.id} failure={error} onRetry={() => void refetch()} onHand={setHanded} />;
  }
  const given = search.has('import') ? handed : null;
  return <Editing key={search.toString()} place={place} councils={data} given={given} />;
}

interface EditingProps {
  readonly place: Exclude<Place, { kind: 'see' }>;
  readonly councils: readonly Listed[];
  readonly given: WrittenCouncil | null;
}

/** The editor stays with what it was opened with, whatever becomes of the list meanwhile. */
function Editing({ place, councils, given }: EditingProps) {
  const [edition] = useState(() => editionOf(place, councils, given));
  if (edition === null) return <Missing id={place.kind === 'new' ? '' : place.id} />;
  return (
    <Panel>
      <CouncilEditor edition={edition} councils={councils} />
    </Panel>
  );
}

interface OverviewProps {
  readonly councils: readonly Listed[];
  readonly id: string | null;
  /** Why the list could not be renewed. */
  readonly failure: Error | null;
  readonly onRetry: () => void;
  readonly onHand: (council: WrittenCouncil) => void;
}

function Overview({ councils, id, failure, onRetry, onHand }: OverviewProps) {
  const { t } = useTranslation('councils');
  const [, navigate] = useLocation();
  const [isImporting, setImporting] = useState(false);
  const shown = councils.find((council) => council.id === (id ?? 'magi')) ?? (id === null ? councils[0] : undefined);
  const open = (council: WrittenCouncil, path: string) => {
    onHand(council);
    navigate(`${path}&import=1`);
  };
  return (
    <div className={styles['page']}>
      <header className={styles['head']}>
        <div>
          <h1>{t('title')}</h1>
          <p className={styles['lede']}>{t('lede')}</p>
        </div>
        <div className={styles['actions']}>
          <Button icon="upload" onClick={() => setImporting(true)}>
            {t('import')}
          </Button>
          <Link href={councilPaths.new} className={buttonClass('primary')}>
            <Icon name="plus" />
            {t('new')}
          </Link>
        </div>
      </header>
      {failure !== null && <FailureNotice error={failure} onRetry={onRetry} />}
      <div className={styles['overview']} data-chosen={id !== null}>
        <CouncilList councils={councils} shownId={shown?.id ?? null} />
        <section className={styles['detail']} aria-label={shown === undefined ? t('list.label') : undefined}>
          <Link href={paths.councils} className={styles['back']}>
            <Icon name="start" />
            {t('all')}
          </Link>
          <Panel resetKey={shown?.id ?? ''}>
            {shown === undefined ? <MissingNotice id={id ?? ''} /> : <CouncilView key={shown.id} council={shown} />}
          </Panel>
        </section>
      </div>
      {isImporting && <ImportDialog councils={councils} onClose={() => setImporting(false)} onOpen={open} />}
    </div>
  );
}

function MissingNotice({ id }: { readonly id: string }) {
  const { t } = useTranslation('councils');
  return (
    <Notice kind="warning" title={t('missing.title', { id })}>
      {t('missing.what')}
    </Notice>
  );
}

function Missing({ id }: { readonly id: string }) {
  const { t } = useTranslation('councils');
  return (
    <div className={styles['page']}>
      <h1>{t('title')}</h1>
      <MissingNotice id={id} />
      <p>
        <Link href={paths.councils}>{t('all')}</Link>
      </p>
    </div>
  );
}
