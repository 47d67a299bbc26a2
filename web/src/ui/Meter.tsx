import styles from './Meter.module.css';

interface MeterProps {
  /** From 0 to 1. */
  readonly value: number;
  /** The figure as it is read. */
  readonly text: string;
  readonly label: string;
}

/** A share of a whole, as a bar and as a figure. The bar is drawn in the colour of the text around it. */
export function Meter({ value, text, label }: MeterProps) {
  const share = Math.min(1, Math.max(0, value));
  return (
    <div
      className={styles['meter']}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={1}
      aria-valuenow={share}
      aria-valuetext={text}
    >
      <div className={styles['track']}>
        <svg className={styles['fill']} viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
          <rect width={share * 100} height="1" />
        </svg>
      </div>
      <span className={styles['value']} aria-hidden="true">
        {text}
      </span>
    </div>
  );
}
