import type { AgentDetail } from '@signalbox/sdk/client/agents.js';
import type { Skill } from '@signalbox/sdk/client/schema.js';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { client } from '../../api/client.ts';
import type { Json } from '../../api/shapes.ts';
import { inert } from '../../model/text.ts';
import { Button } from '../../parts/button.tsx';
import { JsonCode } from '../../parts/code.tsx';
import { Empty, ProblemNote } from '../../parts/notes.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SchemaForm } from '../../parts/schema-form.tsx';
import { useMay } from '../../shell/who.ts';
import styles from './agents.module.css';

/** What the agent says it can do; each skill can be called. */
export function Skills({ agent }: { agent: AgentDetail }): ReactNode {
  return (
    <Panel title="Skills" flush>
      {agent.skills.length === 0 ? (
        <Empty title="It names no skills.">
          {agent.kind === 'mcp' ? 'They appear once its MCP server is ready.' : 'It can still be called with any input.'}
        </Empty>
      ) : (
        agent.skills.map((skill) => <OneSkill key={skill.name} agent={agent.name} skill={skill} />)
      )}
    </Panel>
  );
}

function OneSkill({ agent, skill }: { agent: string; skill: Skill }): ReactNode {
  const mayCall = useMay('agents:invoke');
  const [isOpen, setOpen] = useState(false);
  const navigate = useNavigate();
  const call = useMutation({
    mutationFn: (input: Json) => client.agents.invoke(agent, { skill: skill.name, input }),
    onSuccess: (run) => navigate(`/runs/${run.id}`),
  });
  return (
    <section className={styles.skill}>
      <div className={styles.skillHead}>
        <h3>{skill.name}</h3>
        {mayCall && (
          <Button small onPress={() => setOpen((open) => !open)} aria-expanded={isOpen}>
            Call {skill.name}
          </Button>
        )}
      </div>
      {skill.description && <p>{inert(skill.description)}</p>}
      {isOpen && (
        <div className={styles.call}>
          <SchemaForm
            schema={skill.inputSchema}
            action={`Call ${skill.name}`}
            isPending={call.isPending}
            onSubmit={(input) => call.mutate(input)}
          >
            {call.isPending && <span className="quiet">Its run opens when it answers.</span>}
          </SchemaForm>
          {call.error && <ProblemNote error={call.error} />}
        </div>
      )}
      {(skill.inputSchema || skill.outputSchema) && (
        <details className={styles.schemas}>
          <summary>Schemas</summary>
          <div>
            {skill.inputSchema && (
              <div>
                <h4>Input</h4>
                <JsonCode value={skill.inputSchema} label={`Input schema of ${skill.name}`} max="short" />
              </div>
            )}
            {skill.outputSchema && (
              <div>
                <h4>Output</h4>
                <JsonCode value={skill.outputSchema} label={`Output schema of ${skill.name}`} max="short" />
              </div>
            )}
          </div>
        </details>
      )}
    </section>
  );
}
