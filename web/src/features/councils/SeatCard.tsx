import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { SeatRequest } from '@/protocol/types';
import { Button } from '@/ui/Button';
import { classes } from '@/ui/classes';
import { useFormats } from '@/ui/format';
import { AgentMark } from './AgentMark';
import styles from './councils.module.css';
import { SAMPLING } from './form';
import { ModelStanding } from './ModelStanding';

/** A persona that is likely to fill more than the lines it is given. */
const LONG_CHARS = 320;
const LONG_LINES = 6;

export function SeatCard({ seat, index }: { readonly seat: SeatRequest; readonly index: number }) {
  const { t } = useTranslation('councils');
  const format = useFormats();
  const isOff = seat.enabled === false;
  return (
    <article className={classes(styles['card'], isOff && styles['off'])}>
      <header className={styles['cardHead']}>
        <AgentMark agentId={seat.agentId} role={seat.role} index={index} size="1.5em" />
        <h4 className={styles['cardName']}>{seat.name}</h4>
        <span className={styles['role']}>{t(`role.${seat.role}`, { ns: 'common' })}</span>
      </header>
      {isOff && <p className={styles['tag']}>{t('view.disabled')}</p>}
      <dl className={styles['sampling']}>
        <div>
          <dt>{t('view.model')}</dt>
          <dd className={seat.model ? styles['mono'] : undefined}>{seat.model ?? t('view.defaultModel')}</dd>
        </div>
        {SAMPLING.map((name) => {
          const value = seat[name];
          return (
            typeof value === 'number' && (
              <div key={name}>
                <dt>{t(`edit.${name}`)}</dt>
                <dd className={styles['mono']}>{format.count(value)}</dd>
              </div>
            )
          );
        })}
      </dl>
      <ModelStanding model={seat.model ?? ''} isQuiet />
      <Persona text={seat.systemPrompt} />
    </article>
  );
}

function Persona({ text }: { readonly text: string }) {
  const { t } = useTranslation('councils');
  const [isWhole, setWhole] = useState(false);
  const id = useId();
  const isLong = text.length > LONG_CHARS || text.split('\n').length > LONG_LINES;
  return (
    <div className={styles['persona']}>
      <h5 className={styles['overline']}>{t('view.persona')}</h5>
      <p id={id} className={classes(styles['personaText'], isLong && !isWhole && styles['clamped'])}>
        {text}
      </p>
      {isLong && (
        <Button kind="quiet" small aria-expanded={isWhole} aria-controls={id} onClick={() => setWhole(!isWhole)}>
          {t(isWhole ? 'view.showLess' : 'view.showAll')}
        </Button>
      )}
    </div>
  );
}
