import { useTranslation } from 'react-i18next';
import { useFormats } from '@/ui/format';
import styles from './FiguresTable.module.css';

export interface Figure {
  readonly key: string;
  readonly label: string;
  /** Absent where nobody measured it. */
  readonly a: number | null | undefined;
  readonly b: number | null | undefined;
  readonly unit: 'count' | 'duration' | 'cost';
}

/** Why a figure is absent. */
export type Absence = 'absent' | 'noVotes';

/** How far it is from one figure to the other, with its sign; null where they read the same. */
export function signed(from: number, to: number, format: (value: number) => string): string | null {
  if (format(from) === format(to)) return null;
  return to > from ? `+${format(to - from)}` : `−${format(from - to)}`;
}

interface FiguresTableProps {
  readonly caption: string;
  readonly figures: readonly Figure[];
  /** Both sides are there, so that there is a difference to speak of. */
  readonly isTwoSided: boolean;
  readonly absence?: Absence;
}

export function FiguresTable({ caption, figures, isTwoSided, absence = 'absent' }: FiguresTableProps) {
  const { t } = useTranslation('compare');
  return (
    <table className={styles['table']}>
      <caption className={styles['caption']}>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">
            <span className="visually-hidden">{t('figure.of')}</span>
          </th>
          <th scope="col">A</th>
          <th scope="col">B</th>
          {isTwoSided && <th scope="col">{t('figure.difference')}</th>}
        </tr>
      </thead>
      <tbody>
        {figures.map((figure) => (
          <Row key={figure.key} figure={figure} isTwoSided={isTwoSided} absence={absence} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  readonly figure: Figure;
  readonly isTwoSided: boolean;
  readonly absence: Absence;
}

function Row({ figure: { label, a, b, unit }, isTwoSided, absence }: RowProps) {
  const { t } = useTranslation('compare');
  const formats = useFormats();
  const format = (value: number) => formats[unit](value);
  return (
    <tr>
      <th scope="row">{label}</th>
      <td>{a == null ? <Absent why={absence} /> : format(a)}</td>
      <td>{b == null ? <Absent why={absence} /> : format(b)}</td>
      {isTwoSided && <td>{a != null && b != null && (signed(a, b, format) ?? t('figure.same'))}</td>}
    </tr>
  );
}

function Absent({ why }: { readonly why: Absence }) {
  const { t } = useTranslation('compare');
  return (
    <>
      <span aria-hidden="true">–</span>
      <span className="visually-hidden">{t(`figure.${why}`)}</span>
    </>
  );
}
