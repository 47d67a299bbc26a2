/** The timeline as what can be pointed at: each row's spans and marks in the order of time. Pure. */
import { agentLook, type AgentLook } from '@/ui/agents';
import { drawable, type Span, type Timeline, type TimelineMark } from './timeline';

export type Item =
  | { readonly type: 'span'; readonly fromMs: number; readonly toMs: number; readonly span: Span }
  | { readonly type: 'mark'; readonly fromMs: number; readonly toMs: number; readonly mark: TimelineMark };

export interface ItemRow {
  readonly key: string;
  /** null: what happened to no single agent. */
  readonly name: string | null;
  readonly look: AgentLook | null;
  readonly items: readonly Item[];
}

/** A place in the rows. */
export interface Place {
  readonly row: number;
  readonly item: number;
}

/** The rows of a timeline that reaches to `untilMs`. What was announced beyond that has not happened yet. */
export function itemRows({ rows, general }: Timeline, untilMs: number): readonly ItemRow[] {
  const agents = rows.map(({ agent, spans, marks }, index) => ({
    key: agent.agentId,
    name: agent.name,
    look: agentLook(agent.agentId, agent.role, index),
    items: itemsOf(spans, marks, untilMs),
  }));
  const rest = itemsOf(general.spans, general.marks, untilMs);
  // Agents' ids are never empty.
  return rest.length === 0 ? agents : [...agents, { key: '', name: null, look: null, items: rest }];
}

function itemsOf(spans: readonly Span[], marks: readonly TimelineMark[], untilMs: number): readonly Item[] {
  // What begins a span comes before it, although both are of one event: the sort keeps their order.
  const items: Item[] = marks.map((mark) => ({ type: 'mark', fromMs: mark.atMs, toMs: mark.atMs, mark }));
  for (const span of drawable(spans, untilMs)) {
    if (span.fromMs > untilMs) continue;
    items.push({ type: 'span', fromMs: span.fromMs, toMs: Math.min(span.toMs ?? untilMs, untilMs), span });
  }
  return items.sort((a, b) => a.fromMs - b.fromMs || seqOf(a) - seqOf(b));
}

export function seqOf(item: Item): number {
  return item.type === 'span' ? item.span.seq : item.mark.seq;
}

/** Where a key leads from `place`; null where it is no key of the timeline. */
export function moved(rows: readonly ItemRow[], place: Place | null, key: string): Place | null {
  const first = rows.findIndex(({ items }) => items.length > 0);
  if (first < 0) return null;
  const from = place ?? { row: first, item: -1 };
  const count = rows[from.row]?.items.length ?? 0;
  switch (key) {
    case 'ArrowRight':
      return { row: from.row, item: Math.min(from.item + 1, count - 1) };
    case 'ArrowLeft':
      return { row: from.row, item: Math.max(0, from.item - 1) };
    case 'Home':
      return { row: from.row, item: 0 };
    case 'End':
      return { row: from.row, item: Math.max(0, count - 1) };
    case 'ArrowDown':
      return nearest(rows, from, 1);
    case 'ArrowUp':
      return nearest(rows, from, -1);
    default:
      return null;
  }
}

/** The item of the next row that has any which began last at that time; its first where none had begun. */
function nearest(rows: readonly ItemRow[], from: Place, direction: 1 | -1): Place {
  const atMs = rows[from.row]?.items[from.item]?.fromMs ?? 0;
  for (let row = from.row + direction; row >= 0 && row < rows.length; row += direction) {
    const items = rows[row]?.items ?? [];
    if (items.length > 0)
      return {
        row,
        item: Math.max(
          0,
          items.findLastIndex(({ fromMs }) => fromMs <= atMs),
        ),
      };
  }
  return { ...from, item: Math.max(0, from.item) };
}

/** Round times for the axis, in milliseconds: at most seven, from 0 to below `untilMs`. */
export function ticksOf(untilMs: number): readonly number[] {
  const leastMs = untilMs / 6;
  const power = 10 ** Math.floor(Math.log10(Math.max(leastMs, 1)));
  const stepMs = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= leastMs) ?? leastMs;
  return Array.from({ length: Math.floor(untilMs / stepMs) + 1 }, (_, place) => place * stepMs);
}

/** As a share of the width: closer than this, marks hide each other. */
const CLOSE = 0.03;

/**
 * By how many of their widths marks are moved so that none hides another: to the right, near the end to the left.
 *
 * `marks` are in the order of time; `at` is from 0 to 1.
 */
export function shiftsOf(
  marks: readonly { readonly place: number; readonly at: number }[],
): ReadonlyMap<number, number> {
  const shifts = new Map<number, number>();
  let cluster: { readonly place: number; readonly at: number }[] = [];
  const settle = () => {
    const back = (cluster[0]?.at ?? 0) > 0.5 ? cluster.length - 1 : 0;
    cluster.forEach(({ place }, index) => shifts.set(place, index - back));
    cluster = [];
  };
  for (const mark of marks) {
    const last = cluster.at(-1);
    if (last !== undefined && mark.at - last.at >= CLOSE) settle();
    cluster.push(mark);
  }
  settle();
  return shifts;
}
