import { useTranslation } from 'react-i18next';
import type { DeliberationState } from '@/protocol/types';
import { Button } from '@/ui/Button';
import { Panel } from '@/ui/Failure';
import { Notice } from '@/ui/Notice';
import styles from './ComparePage.module.css';
import { FiguresSection } from './FiguresSection';
import { JudgeSection } from './JudgeSection';
import { OutcomeSection } from './OutcomeSection';
import { SetupSection } from './SetupSection';
import { SideCard } from './SideCard';
import { usePair, useSide, type Side } from './sides';
import { VotesSection } from './VotesSection';

export function ComparePage() {
  const { t } = useTranslation('compare');
  const [pair, choose] = usePair();
  const a = useSide(pair.a);
  const b = useSide(pair.b);
  const isSwappable = pair.a !== null || pair.b !== null;
  return (
    <div className={styles['page']}>
      <div className={styles['head']}>
        <h1 className={styles['title']}>{t('title')}</h1>
        {isSwappable && (
          <Button icon="compare" onClick={() => choose({ a: pair.b, b: pair.a })}>
            {t('swap')}
          </Button>
        )}
      </div>
      {pair.a !== null && pair.a === pair.b && <Notice kind="info">{t('sameOne')}</Notice>}
      <div className={styles['sides']}>
        <Panel>
          <SideCard name="a" side={a} otherId={pair.b} onChoose={(id) => choose({ ...pair, a: id })} />
        </Panel>
        <Panel>
          <SideCard name="b" side={b} otherId={pair.a} onChoose={(id) => choose({ ...pair, b: id })} />
        </Panel>
      </div>
      <Sections a={stateOf(a)} b={stateOf(b)} />
    </div>
  );
}

function stateOf(side: Side): DeliberationState | null {
  return side.kind === 'shown' ? side.state : null;
}

function Sections({ a, b }: { readonly a: DeliberationState | null; readonly b: DeliberationState | null }) {
  if (a === null && b === null) return null;
  return (
    <>
      {a !== null && b !== null && (
        <Panel>
          <SetupSection a={a} b={b} />
        </Panel>
      )}
      <Panel>
        <OutcomeSection a={a} b={b} />
      </Panel>
      <Panel>
        <VotesSection a={a} b={b} />
      </Panel>
      <Panel>
        <JudgeSection a={a} b={b} />
      </Panel>
      <Panel>
        <FiguresSection a={a} b={b} />
      </Panel>
    </>
  );
}
