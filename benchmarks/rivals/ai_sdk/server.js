/**
 * The AI SDK way: `streamText` of the package `ai` over `@ai-sdk/amazon-bedrock`, on Node's own HTTP server.
 *
 *     NODE_ENV=production node server.js --port 9002
 *
 * Guides followed:
 *
 * - a plain Node server around `streamText`: https://ai-sdk.dev/resources/recipes/api-servers/node-http-server
 * - the provider, which finds AWS_REGION, the keys (SigV4) and AWS_ENDPOINT_URL_BEDROCK_RUNTIME in the environment:
 *   https://ai-sdk.dev/providers/ai-sdk-providers/amazon-bedrock
 * - a client that leaves stops the calls through `abortSignal`: https://ai-sdk.dev/docs/advanced/stopping-streams
 * - errors are parts of `stream`: https://ai-sdk.dev/docs/ai-sdk-core/error-handling
 *
 * In its favour, beyond the guides:
 *
 * - Deltas are written to the response as they come. The guide's `createUIMessageStream` and
 *   `pipeUIMessageStreamToResponse` pass each through several more streams.
 * - No telemetry, which the SDK has off unless an integration is registered.
 * - Connections to Bedrock are kept alive, and there are as many as needed: Node's own `fetch` does both.
 *
 * `--low-memory` takes `experimental_streamTextLowMemory` instead, which keeps no copy of what was streamed and
 * costs some 8 % less (docs/07-reference/01-ai-sdk-core/02-stream-text-low-memory.mdx in the package).
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import { experimental_streamTextLowMemory, streamText } from 'ai';

const { values } = parseArgs({ options: { port: { type: 'string' }, 'low-memory': { type: 'boolean' } } });
const stream = values['low-memory'] ? experimental_streamTextLowMemory : streamText;
const prompts = JSON.parse(await readFile(new URL('../prompts.json', import.meta.url), 'utf8'));
const model = createAmazonBedrock()('a.model');

/** Streams one agent into the response and gives what it said. Rejects with what the call failed with. */
async function speak(response, abortSignal, agent, instructions, prompt) {
  const result = stream({
    model,
    instructions,
    prompt,
    abortSignal,
    // By default every error is printed as well; it is reported to the client below.
    onError: () => {},
  });
  let said = '';
  for await (const part of result.stream) {
    if (part.type === 'text-delta') {
      said += part.text;
      write(response, { agent, text: part.text });
    } else if (part.type === 'error') {
      throw part.error;
    } else if (part.type === 'abort') {
      throw new Error('The deliberation was stopped.');
    }
  }
  return said;
}

/** Streams three sages at once, then the judge. */
async function deliberate(response, abortSignal, question) {
  const sages = Object.entries(prompts.sages);
  const said = await Promise.all(
    sages.map(([sage, instructions]) => speak(response, abortSignal, sage, instructions, question)),
  );
  const statements = sages.map(([sage], place) => `Statement of the ${sage} sage:\n${said[place]}`);
  await speak(response, abortSignal, 'judge', prompts.judge, [`Question:\n${question}`, ...statements].join('\n\n'));
}

function write(response, event) {
  response.write(`data: ${JSON.stringify(event)}\n\n`);
}

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function invoke(request, response) {
  let question;
  try {
    ({ question } = await json(request));
    if (typeof question !== 'string') throw new TypeError('`question` must be a string.');
  } catch (error) {
    answer(response, 400, { error: error.message });
    return;
  }
  const stopping = new AbortController();
  response.once('close', () => stopping.abort());
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  try {
    await deliberate(response, stopping.signal, question);
    write(response, { complete: true });
  } catch (error) {
    write(response, { error: `${error.name}: ${error.message}` });
  } finally {
    // Where one sage has failed, the others are still speaking.
    stopping.abort();
    response.end();
  }
}

createServer(async (request, response) => {
  if (request.method === 'GET' && request.url === '/ping') answer(response, 200, { status: 'Healthy' });
  else if (request.method === 'POST' && request.url === '/invocations') await invoke(request, response);
  else answer(response, 404, { error: 'There are GET /ping and POST /invocations.' });
}).listen(Number(values.port), '127.0.0.1');
