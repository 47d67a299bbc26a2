import { useTranslation } from 'react-i18next';
import type { Complete, DeliberationState, VerdictGiven } from '@/protocol/types';
import { DecisionMark, OutcomeMark } from '@/ui/Decision';
import { useFormats } from '@/ui/format';
import { Markdown } from '@/ui/Markdown';
import { Meter } from '@/ui/Meter';
import styles from './Judge.module.css';
import { Scores } from './Scores';
import { Tally } from './Tally';

/** The outcome, as far as it has come, with the judge's grounds. Nothing where there is neither. */
export function Verdict({ state }: { readonly state: DeliberationState }) {
  const { t } = useTranslation('deliberation');
  const verdict = state.verdict ?? null;
  const complete = state.complete?.outcome === 'answered' ? null : (state.complete ?? null);
  if (verdict === null && complete === null) return null;
  return (
    <div className={styles['verdict']} data-testid="verdict">
      <div className={styles['ruling']}>
        <h3 className={styles['label']}>{t(verdict === null ? 'verdict.outcome' : 'verdict.title')}</h3>
        <Decided verdict={verdict} complete={complete} />
        {complete === null && state.status === 'running' && (
          <p className={styles['aside']}>{t('verdict.provisional')}</p>
        )}
        {verdict !== null && <Grounds verdict={verdict} />}
      </div>
      <div className={styles['evidence']}>
        {verdict !== null && verdict.scores.length > 0 && <Scores scores={verdict.scores} state={state} />}
        {complete !== null && <Tally tally={complete.tally} />}
      </div>
    </div>
  );
}

interface DecidedProps {
  readonly verdict: VerdictGiven | null;
  readonly complete: Complete | null;
}

/** The decision at large: by the code once that has concluded, until then the judge's. */
function Decided({ verdict, complete }: DecidedProps) {
  const { t } = useTranslation(['deliberation', 'common']);
  const formats = useFormats();
  const decision = complete === null ? verdict?.decision : complete.decision;
  const confidence = complete === null ? verdict?.confidence : complete.confidence;
  const isJudges = complete === null || (verdict !== null && complete.decision === verdict.decision && complete.confidence === verdict.confidence); // prettier-ignore
  return (
    <>
      <p className={styles['decision']}>
        {decision == null ? (
          <span className={styles['undecided']}>{t('verdict.undecided')}</span>
        ) : (
          <DecisionMark decision={decision} large />
        )}
        {complete !== null && complete.outcome !== 'decided' && <OutcomeMark outcome={complete.outcome} />}
      </p>
      {confidence != null && (
        <div className={styles['confidence']}>
          <span className={styles['meterLabel']} aria-hidden="true">
            {t('common:confidence')}
          </span>
          <Meter value={confidence} text={formats.percent(confidence)} label={t('common:confidence')} />
        </div>
      )}
      {verdict !== null && !isJudges && (
        <p className={styles['aside']}>
          {t('verdict.ruling', {
            decision: t(`common:decision.${verdict.decision}`),
            confidence: formats.percent(verdict.confidence),
          })}
        </p>
      )}
    </>
  );
}

function Grounds({ verdict: { summary, recommendation, reasoning } }: { readonly verdict: VerdictGiven }) {
  const { t } = useTranslation('deliberation');
  return (
    <>
      {summary !== '' && (
        <div className={styles['summary']}>
          <Markdown text={summary} under={4} />
        </div>
      )}
      {recommendation !== '' && (
        <div className={styles['recommendation']}>
          <h4 className={styles['label']}>{t('verdict.recommendation')}</h4>
          <Markdown text={recommendation} under={4} />
        </div>
      )}
      {reasoning !== '' && (
        <div className={styles['grounds']}>
          <h4 className={styles['label']}>{t('verdict.reasoning')}</h4>
          <Markdown text={reasoning} under={4} />
        </div>
      )}
    </>
  );
}
