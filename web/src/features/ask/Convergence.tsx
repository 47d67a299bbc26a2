import styles from './ask.module.css';

const LINES = [
  { agent: 'caspar', path: 'M52 74C52 168 104 160 104.6 238' },
  { agent: 'balthasar', path: 'M160 70V206' },
  { agent: 'melchior', path: 'M268 70C268 168 216 160 215.4 238' },
] as const;

/** Three forms whose lines meet in a hexagon that holds all three: three minds, and the judge. */
export function Convergence() {
  return (
    <svg className={styles['convergence']} viewBox="0 0 320 352" fill="none" aria-hidden="true" focusable="false">
      <g className={styles['rings']}>
        <path d="M160 188 231 229v82l-71 41-71-41v-82z" />
        <path d="M160 170 246.600 220v100L160 370 73.400 320V220z" />
      </g>
      {LINES.map(({ agent, path }) => (
        <g key={agent} className={styles[agent]}>
          <path className={styles['lane']} d={path} />
          <path className={styles['pulse']} d={path} pathLength="100" />
        </g>
      ))}
      <path className={styles['caspar']} d="M52 20 80 70H24z" />
      <circle className={styles['balthasar']} cx="160" cy="46" r="24" />
      <path className={styles['melchior']} d="M246 24h44v44h-44z" />
      <path className={styles['solomon']} d="M160 206 215.400 238v64L160 334l-55.400-32v-64z" />
      <g className={styles['within']}>
        <path className={styles['caspar']} d="M160 240 186 285H134z" />
        <circle className={styles['balthasar']} cx="160" cy="270" r="30" />
        <path className={styles['melchior']} d="M138.800 248.800h42.400v42.400h-42.400z" />
      </g>
    </svg>
  );
}
