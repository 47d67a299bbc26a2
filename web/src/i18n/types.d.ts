import type ask from './en/ask.json';
import type common from './en/common.json';
import type compare from './en/compare.json';
import type councils from './en/councils.json';
import type deliberation from './en/deliberation.json';
import type history from './en/history.json';
import type trace from './en/trace.json';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'common';
    resources: {
      ask: typeof ask;
      common: typeof common;
      compare: typeof compare;
      councils: typeof councils;
      deliberation: typeof deliberation;
      history: typeof history;
      trace: typeof trace;
    };
  }
}
