import { useQuery } from '@tanstack/react-query';
import { Search } from 'lucide-react';
import { useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { Dialog } from 'react-aria-components/Dialog';
import { Modal, ModalOverlay } from 'react-aria-components/Modal';
import { useNavigate } from 'react-router';
import { queries } from '../api/queries.ts';
import { find, type Findable } from '../model/find.ts';
import { lampOf, serverLampOf, type Lamp } from '../model/lamps.ts';
import { may } from '../model/permissions.ts';
import { LampSign } from '../parts/lamp.tsx';
import { navigation } from './navigation.ts';
import { chooseTheme } from './theme.ts';
import { useWho } from './who.ts';
import styles from './command-palette.module.css';

interface Entry extends Findable {
  lamp?: Lamp;
  run: () => void;
}

/** Finds every object and action by typing. */
export default function CommandPalette({ onClose }: { onClose: () => void }): ReactNode {
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const navigate = useNavigate();
  const entries = useEntries();
  const found = useMemo(
    () =>
      find(
        withRun(entries, typed, (id) => void navigate(`/runs/${id}`)),
        typed,
      ),
    [entries, typed, navigate],
  );
  const active = Math.min(chosen, found.length - 1);

  const choose = (entry: Entry | undefined): void => {
    if (!entry) return;
    onClose();
    entry.run();
  };
  const move = (to: number): void => {
    const next = (to + found.length) % Math.max(1, found.length);
    setChosen(next);
    list.current?.children[next]?.scrollIntoView({ block: 'nearest' });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') move(active + 1);
    else if (event.key === 'ArrowUp') move(active - 1);
    else if (event.key === 'Enter') choose(found[active]);
    else return;
    event.preventDefault();
  };

  return (
    <ModalOverlay className={styles.veil ?? ''} isOpen isDismissable onOpenChange={(open) => !open && onClose()}>
      <Modal className={styles.modal ?? ''}>
        <Dialog className={styles.dialog ?? ''} aria-label="Find or do anything">
          <div className={styles.field}>
            <Search size={17} aria-hidden />
            <input
              // Opened to type: the focus belongs here.
              autoFocus
              role="combobox"
              aria-label="Find or do anything"
              aria-expanded
              aria-controls="found"
              aria-activedescendant={found[active] ? `found-${active}` : undefined}
              placeholder="An agent, run, tool, server, workflow or action"
              autoComplete="off"
              spellCheck={false}
              value={typed}
              onChange={(event) => {
                setTyped(event.target.value);
                setChosen(0);
              }}
              onKeyDown={onKeyDown}
            />
            <kbd>Esc</kbd>
          </div>
          <ul id="found" role="listbox" aria-label="Found" className={styles.list} ref={list}>
            {found.map((entry, i) => (
              <li
                key={entry.id}
                id={`found-${i}`}
                role="option"
                aria-selected={i === active}
                className={styles.entry}
                onPointerMove={() => setChosen(i)}
                onClick={() => choose(entry)}
              >
                {entry.lamp ? <LampSign lamp={entry.lamp} alone /> : <span className={styles.dot} aria-hidden />}
                <span className={styles.title}>{entry.title}</span>
                {entry.detail && <span className={styles.detail}>{entry.detail}</span>}
                <span className={styles.kind}>{entry.kind}</span>
              </li>
            ))}
          </ul>
          {found.length === 0 && <p className={styles.nothing}>Nothing is called that. Runs are also found by their whole ID.</p>}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

/** Whoever pastes a run's ID means that run. */
function withRun(entries: readonly Entry[], typed: string, open: (id: string) => void): Entry[] {
  const id = typed.trim();
  if (!/^run_[0-9a-z]{26}$/.test(id)) return [...entries];
  const known = entries.find((entry) => entry.id === id);
  return known ? [known] : [{ id, title: id, kind: 'Run', run: () => open(id) }];
}

function useEntries(): Entry[] {
  const navigate = useNavigate();
  const who = useWho();
  const ask = (permission: string) => ({ enabled: may(who, permission), staleTime: 5_000 });
  const deployments = useQuery({ ...queries.deployments(), ...ask('deployments:read') }).data;
  const agents = useQuery({ ...queries.agents(), ...ask('agents:read') }).data;
  const servers = useQuery({ ...queries.mcpServers(), ...ask('mcp-servers:read') }).data;
  const tools = useQuery({ ...queries.tools(), ...ask('tools:read') }).data;
  const workflows = useQuery({ ...queries.workflows(), ...ask('workflows:read') }).data;
  const schedules = useQuery({ ...queries.schedules(), ...ask('schedules:read') }).data;
  const runs = useQuery({ ...queries.latestRuns({}, 50), ...ask('runs:read') }).data;

  return useMemo(() => {
    const go = (to: string) => () => void navigate(to);
    const name = encodeURIComponent;
    const entries: Entry[] = [];
    for (const { items } of navigation) {
      for (const { to, label, permission } of items)
        if (may(who, permission)) entries.push({ id: to, title: label, kind: 'Page', run: go(to) });
    }
    for (const each of deployments ?? [])
      entries.push({
        id: `deployment ${each.name}`,
        title: each.name,
        kind: 'Deployment',
        lamp: lampOf(each.status),
        run: go(`/deployments/${name(each.name)}`),
      });
    for (const each of workflows ?? []) {
      entries.push({ id: `workflow ${each.name}`, title: each.name, kind: 'Workflow', run: go(`/workflows/${name(each.name)}`) });
      if (may(who, 'runs:write'))
        entries.push({
          id: `start ${each.name}`,
          title: `Start a run of ${each.name}`,
          kind: 'Action',
          run: go(`/workflows/${name(each.name)}?view=start`),
        });
    }
    for (const each of agents ?? [])
      entries.push({
        id: `agent ${each.name}`,
        title: each.name,
        kind: 'Agent',
        lamp: lampOf(each.status),
        words: each.kind,
        run: go(`/agents/${name(each.name)}`),
      });
    for (const each of servers ?? [])
      entries.push({
        id: `server ${each.name}`,
        title: each.name,
        kind: 'MCP server',
        lamp: serverLampOf(each.status),
        run: go(`/mcp-servers/${name(each.name)}`),
      });
    for (const each of tools ?? [])
      entries.push({
        id: `tool ${each.server}/${each.name}`,
        title: each.name,
        detail: each.server,
        kind: 'Tool',
        run: go(`/tools/${name(each.server)}/${name(each.name)}`),
      });
    for (const each of schedules ?? [])
      entries.push({ id: `schedule ${each.name}`, title: each.name, kind: 'Schedule', run: go(`/schedules/${name(each.name)}`) });
    for (const each of runs ?? [])
      entries.push({
        id: each.id,
        title: each.workflow,
        detail: `…${each.id.slice(-6)}`,
        kind: 'Run',
        lamp: lampOf(each.status),
        words: `${each.id} ${each.status}`,
        run: go(`/runs/${each.id}`),
      });
    entries.push(
      { id: 'theme light', title: 'Use light colours', kind: 'Action', words: 'theme', run: () => chooseTheme('light') },
      { id: 'theme dark', title: 'Use dark colours', kind: 'Action', words: 'theme', run: () => chooseTheme('dark') },
      { id: 'theme system', title: 'Use the system’s colours', kind: 'Action', words: 'theme', run: () => chooseTheme('system') },
      { id: 'docs', title: 'Read the REST reference', kind: 'Action', words: 'openapi docs help', run: () => location.assign('/docs') },
    );
    return entries;
  }, [who, navigate, deployments, agents, servers, tools, workflows, schedules, runs]);
}
