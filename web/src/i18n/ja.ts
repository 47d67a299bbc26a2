import ask from './ja/ask.json';
import common from './ja/common.json';
import compare from './ja/compare.json';
import councils from './ja/councils.json';
import deliberation from './ja/deliberation.json';
import history from './ja/history.json';
import trace from './ja/trace.json';

export const catalogue = { ask, common, compare, councils, deliberation, history, trace };
