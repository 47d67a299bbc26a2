// @vitest-environment node
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { builtConfiguration, ConfigurationInvalid, configurationOf, readConfiguration } from './config';
import { reply, serve } from './testing/webServer';

const direct = { kind: 'direct', name: 'Here', url: '' };
const agentcore = { kind: 'agentcore', name: 'Cloud', arn: 'arn:x', region: 'us-east-1' };

describe('what a file says', () => {
  it('is taken with what it leaves out', () => {
    const auth = { authority: 'https://id.example/', clientId: 'web' };
    const lambda = { kind: 'lambda', name: 'L', url: 'https://l.example/' };
    expect(configurationOf({ backends: [direct, agentcore, lambda], auth, routing: 'hash' })).toEqual({
      backends: [direct, { ...agentcore, qualifier: 'DEFAULT' }, { ...lambda, url: 'https://l.example' }],
      auth: { authority: 'https://id.example', clientId: 'web', scope: 'openid', redirectPath: '/signin/callback' },
      routing: 'hash',
    });
    expect(configurationOf({ backends: [direct], auth: null })).toMatchObject({ auth: null, routing: 'path' });
  });

  it.each([
    [null, 'config.json'],
    [[], 'config.json'],
    [{}, 'backends'],
    [{ backends: [] }, 'backends'],
    [{ backends: {} }, 'backends'],
    [{ backends: [direct], backend: 1 }, 'config.json'],
    [{ backends: [direct], routing: 'query' }, 'routing'],
    [{ backends: ['direct'] }, 'backends[0]'],
    [{ backends: [direct, { ...direct, kind: 'ftp' }] }, 'backends[1].kind'],
    [{ backends: [{ ...direct, name: '' }] }, 'backends[0].name'],
    [{ backends: [{ ...direct, url: '/here' }] }, 'backends[0].url'],
    [{ backends: [{ ...direct, url: 'javascript:alert(1)' }] }, 'backends[0].url'],
    [{ backends: [{ kind: 'direct', name: 'n' }] }, 'backends[0].url'],
    [{ backends: [{ ...direct, arn: 'x' }] }, 'backends[0]'],
    [{ backends: [{ ...agentcore, arn: 3 }] }, 'backends[0].arn'],
    [{ backends: [{ ...agentcore, region: undefined }] }, 'backends[0].region'],
    [{ backends: [{ kind: 'lambda', name: 'n', url: '' }] }, 'backends[0].url'],
    [{ backends: [direct], auth: 'yes' }, 'auth'],
    [{ backends: [direct], auth: { authority: 'https://x' } }, 'auth.clientId'],
    [{ backends: [direct], auth: { authority: 'x', clientId: 'c' } }, 'auth.authority'],
    [{ backends: [direct], auth: { authority: 'https://x', clientId: 'c', redirectPath: 'x' } }, 'auth.redirectPath'],
  ])('is refused where it is %j, with the field', (given, field) => {
    expect(() => configurationOf(given)).toThrow(ConfigurationInvalid);
    expect(() => configurationOf(given)).toThrow(`\`${field}\``);
  });
});

describe('what a build says', () => {
  it('is the server of the page where nothing is named', () => {
    expect(builtConfiguration({ MODE: 'production', VITE_AGENT_ARN: '' })).toEqual({
      backends: [{ kind: 'direct', name: 'This server', url: '' }],
      auth: null,
      routing: 'path',
    });
  });

  it('is every backend that is named', () => {
    const built = {
      VITE_LOCAL_BACKEND_URL: 'http://localhost:8080/',
      VITE_AGENT_ARN: 'arn:x',
      VITE_AWS_REGION: 'us-east-1',
      VITE_QUALIFIER: 'prod',
      VITE_LAMBDA_FUNCTION_URL: 'https://l.example',
      VITE_OIDC_AUTHORITY: 'https://id.example',
      VITE_OIDC_CLIENT_ID: 'web',
    };
    expect(builtConfiguration(built)).toMatchObject({
      backends: [
        { kind: 'direct', url: 'http://localhost:8080' },
        { kind: 'agentcore', arn: 'arn:x', region: 'us-east-1', qualifier: 'prod' },
        { kind: 'lambda', url: 'https://l.example' },
      ],
      auth: { authority: 'https://id.example', clientId: 'web' },
    });
  });

  it.each([
    [{ VITE_AGENT_ARN: 'arn:x' }, 'VITE_AWS_REGION'],
    [{ VITE_LOCAL_BACKEND_URL: 'localhost' }, 'VITE_LOCAL_BACKEND_URL'],
    [{ VITE_OIDC_AUTHORITY: 'https://id.example' }, 'VITE_OIDC_CLIENT_ID'],
  ])('is refused where it is %j, with the variable', (built, variable) => {
    expect(() => builtConfiguration(built)).toThrow(`\`${variable}\``);
  });
});

describe('reading the file', () => {
  const built = { VITE_LOCAL_BACKEND_URL: 'http://built.example' };

  it('takes it before what the build says', async () => {
    const server = await serve((_, response) => reply(response, 200, { backends: [direct] }));
    expect((await readConfiguration(`${server.url}/config.json`, built)).backends).toEqual([direct]);
  });

  it.each([
    [404, 'application/json'],
    [200, 'text/html; charset=utf-8'],
  ])('takes what the build says where it is answered with %d and %s', async (status, mediaType) => {
    const server = await serve((_, response) => {
      response.writeHead(status, { 'content-type': mediaType }).end('<html>');
    });
    const { backends } = await readConfiguration(`${server.url}/config.json`, built);
    expect(backends[0]).toMatchObject({ url: 'http://built.example' });
  });

  it.each([
    [500, '{}', 'answered with 500'],
    [200, '{"backends":', 'not JSON'],
  ])('says what is wrong where it is answered with %d and %s', async (status, body, what) => {
    const server = await serve((_, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    await expect(readConfiguration(`${server.url}/config.json`, built)).rejects.toThrow(what);
  });

  it.each([
    ['nothing', () => undefined],
    ['half of it', (response: ServerResponse) => response.writeHead(200).write('{"back')],
  ])('says so where %s has come in time', async (_, answer) => {
    const server = await serve((_request, response) => void answer(response));
    await expect(readConfiguration(`${server.url}/config.json`, built, 200)).rejects.toThrow('did not come within 0.2');
    await server.close();
  });

  it('says so where nobody answers', async () => {
    const server = await serve(() => undefined);
    await server.close();
    await expect(readConfiguration(`${server.url}/config.json`, built)).rejects.toThrow('could not be read');
  });
});
