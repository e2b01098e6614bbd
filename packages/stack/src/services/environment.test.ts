import { expect, test } from '@jest/globals';
import { layoutOf } from '../data-folder/layout.ts';
import { doorUrl, serviceEnvironment } from './environment.ts';

const facts = {
  layout: layoutOf('/data'),
  databaseUrl: 'postgres://127.0.0.1:5432/signalbox',
  passwordOf: () => 'p',
  natsUrl: 'nats://127.0.0.1:4222',
  natsCaFile: '',
  credsFolder: '/data/creds',
  host: '127.0.0.1',
  port: 7420,
  adminKey: 'sbx_admin',
};

test('a door with a certificate is dialled by TLS, by workers too, which trust what we trust', () => {
  const inherited = { TLS_CERT_FILE: '/tls/cert.pem', TLS_KEY_FILE: '/tls/key.pem', NODE_EXTRA_CA_CERTS: '/tls/ca.pem' };
  expect(doorUrl(facts, inherited)).toBe('https://127.0.0.1:7420');
  expect(serviceEnvironment('registry', { ...facts, inherited })).toMatchObject({
    SIGNALBOX_URL: 'https://127.0.0.1:7420',
    NODE_EXTRA_CA_CERTS: '/tls/ca.pem',
  });
  expect(serviceEnvironment('api-gateway', { ...facts, inherited })).toMatchObject(inherited);
  expect(serviceEnvironment('registry', { ...facts, inherited: {} }).SIGNALBOX_URL).toBe('http://127.0.0.1:7420');
});

test('a service sees no variable that it does not need', () => {
  const inherited = { OPENAI_API_KEY: 'sk-secret', AWS_SECRET_ACCESS_KEY: 'secret', TLS_KEY_FILE: '/tls/key.pem' };
  const seen = (service: 'protocol' | 'registry'): string[] => Object.values(serviceEnvironment(service, { ...facts, inherited }));
  expect(seen('protocol')).toContain('sk-secret');
  expect(seen('registry')).not.toContain('sk-secret');
  expect([...seen('protocol'), ...seen('registry')].filter((value) => value === 'secret' || value === '/tls/key.pem')).toEqual([]);
});
