import { expect, test } from '@jest/globals';
import { databaseUrlFault, natsHosts, natsUrlFault, withDatabaseCa } from './server-url.ts';

const bare = { caFile: '', isPlaintextAllowed: false };
const withCa = { caFile: '/ca.pem', isPlaintextAllowed: false };
const allowed = { caFile: '', isPlaintextAllowed: true };

test.each([
  'postgres://a:b@127.0.0.1/x',
  'postgres://a:b@127.8.9.10:5433/x',
  'postgres://a:b@localhost/x?sslmode=disable',
  'postgres://a:b@[::1]/x',
  'postgres://a:b@%2Fvar%2Frun%2Fpostgresql/x',
  'postgres:///x?host=/var/run/postgresql',
  'postgres://a:b@db.example.org/x?sslmode=verify-full',
  '',
])('a database on this machine, or behind TLS that is verified, is reached (%s)', (url) => {
  expect(databaseUrlFault(url, bare)).toBeNull();
});

test.each([
  'postgres://a:b@db.example.org/x',
  'postgres://a:b@10.0.0.1/x',
  'postgres://a:b@127.evil.org/x',
  'postgres://a:b@localhost.evil.org/x',
  'postgres://a:b@localhost/x?host=db.example.org',
  'postgres://a:b@db.example.org/x?sslmode=disable',
  'postgres://a:b@db.example.org/x?sslmode=prefer',
  'postgres://a:b@db.example.org/x?sslmode=no-verify',
  'postgres://a:b@db.example.org/x?sslmode=require&uselibpqcompat=true',
  'postgres:///x',
])('a database elsewhere without it is refused, and told how to be reached (%s)', (url) => {
  const fault = databaseUrlFault(url, bare);
  expect(fault).toMatch(/without TLS .*sslmode=verify-full.*DATABASE_CA_FILE.*SIGNALBOX_ALLOW_PLAINTEXT=1/);
  expect(fault).not.toContain('a:b');
  expect(databaseUrlFault(url, allowed)).toBeNull();
});

test('a CA file asks for TLS that is verified, and does not overrule the URL', () => {
  expect(withDatabaseCa('postgres://a:b@db/x', '/ca.pem')).toBe('postgres://a:b@db/x?sslmode=verify-full&sslrootcert=%2Fca.pem');
  expect(withDatabaseCa('postgres://a:b@db/x', '')).toBe('postgres://a:b@db/x');
  expect(databaseUrlFault('postgres://a:b@db/x', withCa)).toBeNull();
  expect(databaseUrlFault('postgres://a:b@db/x?sslmode=disable', withCa)).toMatch(/without TLS/);
  expect(withDatabaseCa('postgres://a:b@db/x?sslrootcert=/own.pem', '/ca.pem')).not.toContain('ca.pem');
  expect(databaseUrlFault('db.example.org', bare)).toMatch(/is not a URL/);
});

test.each([
  'nats://127.0.0.1:4222',
  'nats://localhost',
  'nats://[::1]:4222',
  'tls://nats.example.org:4222',
  'nats://10.0.0.1,tls://10.0.0.2',
  '',
])('a NATS on this machine, or behind TLS, is reached (%s)', (urls) => {
  expect(natsUrlFault(urls, bare)).toBeNull();
});

test.each(['nats://nats.example.org:4222', 'nats://127.0.0.1:4222,nats://10.0.0.1', 'nats://127.0.0.1, 10.0.0.1:4222', 'nats://[fd00::1]'])(
  'a NATS elsewhere without it is refused (%s)',
  (urls) => {
    expect(natsUrlFault(urls, bare)).toMatch(/without TLS: write tls:\/\/.*NATS_CA_FILE.*SIGNALBOX_ALLOW_PLAINTEXT=1/);
    expect(natsUrlFault(urls, withCa)).toBeNull();
    expect(natsUrlFault(urls, allowed)).toBeNull();
  },
);

test('hosts are found in every form of the list', () => {
  expect(natsHosts('nats://a:4222, tls://[::1]:4222,b:1')).toEqual(['a', '::1', 'b']);
});
