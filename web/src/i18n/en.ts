import ask from './en/ask.json';
import common from './en/common.json';
import compare from './en/compare.json';
import councils from './en/councils.json';
import deliberation from './en/deliberation.json';
import history from './en/history.json';
import trace from './en/trace.json';

export const catalogue = { ask, common, compare, councils, deliberation, history, trace };
