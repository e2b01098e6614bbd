import { expect, test } from '@jest/globals';
import { childEnvironment } from './environment.ts';
import { checkForeignCommand } from './foreign-command.ts';

test.each([
  [['sh', '-c', 'id'], {}],
  [['/bin/bash'], {}],
  [['npx', '-c', 'id'], {}],
  [['npx', '--call=id'], {}],
  [['npm', 'exec', '-c', 'id'], {}],
  [['env', 'LD_PRELOAD=x', 'ls'], {}],
  [['node', 'server.js'], { NODE_OPTIONS: '--require x' }],
  [['node', 'server.js'], { LD_PRELOAD: '/tmp/x.so' }],
  [['node', 'server.js'], { ld_library_path: '/tmp' }],
  [['node', 'server.js'], { DYLD_INSERT_LIBRARIES: '/tmp/x' }],
  [['python3', 'server.py'], { PYTHONPATH: '/tmp' }],
  [['node', 'server.js'], { PATH: '/tmp' }],
  [['node', 'server.js'], { SIGNALBOX_CHILD: 'x' }],
])('A44 a command that would run a shell or hidden code is refused: %j %j', (command, env) => {
  expect(() => checkForeignCommand(command, env)).toThrow(expect.objectContaining({ code: 'refused' }));
});

test('A44 metacharacters are plain text, and ordinary commands pass', () => {
  checkForeignCommand(['node', 'server.js', '; rm -rf / && $(id) `id` | cat > x'], { GREETING: '$(id)', MEMORY_FILE_PATH: '/x' });
  checkForeignCommand(['npx', '-y', '@modelcontextprotocol/server-memory@2026.8.31'], {});
});

test('a child’s environment is empty but for an allow-list and what was named', () => {
  const env = childEnvironment({
    from: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', SECRET_KEY: 'x', DATABASE_URL: 'postgres://', NODE_OPTIONS: '--inspect' },
    home: '/state',
    extra: { GREETING: 'hi', LANG: 'de_DE.UTF-8' },
  });
  expect(Object.keys(env).sort()).toEqual(['GREETING', 'HOME', 'LANG', 'PATH']);
  expect(env).toMatchObject({ HOME: '/state', LANG: 'de_DE.UTF-8' });
  expect(env['PATH']!.endsWith('/usr/bin:/bin')).toBe(true);
  expect(childEnvironment({ from: {}, home: '/' })['PATH']).toContain('/usr/local/bin');
});
