import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { DeliberationState } from '@/protocol/types';
import { DecisionMark, OutcomeMark } from '@/ui/Decision';
import { useFormats, type Formats } from '@/ui/format';
import { Mark } from '@/ui/Mark';
import { Meter } from '@/ui/Meter';
import { difference, hasEnded, isChat } from './alignment';
import { Beside, DifferenceLine, Section } from './Parts';
import styles from './Sections.module.css';
import { Warnings } from './Warnings';

export interface SectionProps {
  readonly a: DeliberationState | null;
  readonly b: DeliberationState | null;
}

export function OutcomeSection({ a, b }: SectionProps) {
  const { t } = useTranslation(['compare', 'common']);
  const formats = useFormats();
  const isComparable = a !== null && b !== null && hasEnded(a) && hasEnded(b);
  return (
    <Section title={t('section.outcome')}>
      {isComparable && (
        <div>
          <DifferenceLine difference={difference(conclusion(a, t), conclusion(b, t))} words={(word) => word} />
          {!isChat(a) && !isChat(b) && (
            <DifferenceLine
              of={t('common:confidence')}
              difference={difference(percent(a, formats), percent(b, formats))}
              words={(word) => word}
            />
          )}
        </div>
      )}
      <Beside a={a && <Outcome state={a} />} b={b && <Outcome state={b} />} />
    </Section>
  );
}

/** In one word: the decision, else the outcome that has none, else how it ended. */
function conclusion(state: DeliberationState, t: TFunction<['compare', 'common']>): string {
  const { complete } = state;
  if (complete == null) return t(state.cancelled == null ? 'status.error' : 'status.cancelled');
  return complete.decision == null
    ? t(`common:outcome.${complete.outcome}`)
    : t(`common:decision.${complete.decision}`);
}

/** As it is read, so that figures that read the same are the same. */
function percent(state: DeliberationState, formats: Formats): string | null {
  const confidence = state.complete?.confidence;
  return confidence == null ? null : formats.percent(confidence);
}

function Outcome({ state }: { readonly state: DeliberationState }) {
  const { t } = useTranslation('compare');
  const { complete, cancelled, error } = state;
  return (
    <>
      <Warnings state={state} />
      <div className={styles['marks']}>
        {complete?.decision != null && <DecisionMark decision={complete.decision} large />}
        {complete != null && complete.outcome !== 'decided' && <OutcomeMark outcome={complete.outcome} />}
        {cancelled != null && (
          <Mark tone="neutral" icon="stop">
            {t('status.cancelled')}
          </Mark>
        )}
        {error != null && (
          <Mark tone="danger" icon="warning">
            {t('status.error')}
          </Mark>
        )}
        {!hasEnded(state) && (
          <Mark tone="neutral" icon="clock">
            {t('status.running')}
          </Mark>
        )}
      </div>
      <Confidence value={complete?.confidence} />
    </>
  );
}

export function Confidence({ value }: { readonly value: number | null | undefined }) {
  const { t } = useTranslation('common');
  const formats = useFormats();
  if (value == null) return null;
  return (
    <div className={styles['confidence']}>
      <span className={styles['label']} aria-hidden="true">
        {t('confidence')}
      </span>
      <Meter value={value} text={formats.percent(value)} label={t('confidence')} />
    </div>
  );
}
