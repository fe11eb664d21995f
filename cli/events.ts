import type { Command } from 'commander';
import type { DeadLetter } from '../control-plane/api/operator/schemas.ts';
import { contextOf, examples } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { CliError } from './exit-codes.ts';
import { printJson, printLine, printTable } from './output.ts';

export function addEventCommands(program: Command): void {
  const events = program
    .command('events')
    .description('events that could not be delivered')
    .addHelpText('after', examples('events dead-letters', 'events replay --all'));
  addDeadLetters(events);
  addReplay(events);
}

function addDeadLetters(events: Command): void {
  events
    .command('dead-letters')
    .description('events whose last delivery attempt failed')
    .addHelpText('after', examples('events dead-letters', 'events dead-letters --json | jq .[].event'))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const letters = await deadLetters(await ControlPlane.open(context));
      if (context.json) return printJson(letters);
      printTable(
        ['id', 'event', 'attempts', 'failed at', 'reason'],
        letters.map((one) => [one.id, one.event.detailType, String(one.attempts), one.failedAt, one.reason]),
        'no dead letters',
      );
    });
}

function addReplay(events: Command): void {
  events
    .command('replay [id]')
    .description('deliver a dead letter again')
    .option('--all', 'every dead letter', false)
    .addHelpText('after', examples('events replay app-plane-accept~01k...', 'events replay --all'))
    .action(async (id: string | undefined, options: { all: boolean }, command: Command) => {
      const context = contextOf(command);
      if (options.all === (id !== undefined)) {
        throw new CliError('usage', 'give an id, or --all', {
          hint: `\`${context.tierplane} events dead-letters\` shows the ids`,
        });
      }
      const controlPlane = await ControlPlane.open(context);
      const hints = { 404: `\`${context.tierplane} events dead-letters\` shows all dead letters` };
      const ids = id ? [id] : (await deadLetters(controlPlane)).map((letter) => letter.id);
      for (const one of ids) {
        const path = `/operator/dead-letters/${encodeURIComponent(one)}/replay`;
        await controlPlane.call('POST', path, undefined, { hints });
      }
      if (context.json) printJson({ replayed: ids });
      else printLine(ids.length === 0 ? 'no dead letters' : `replayed: ${ids.join(', ')}`);
    });
}

async function deadLetters(controlPlane: ControlPlane): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for await (const letter of controlPlane.list<DeadLetter>('/operator/dead-letters', 100)) letters.push(letter);
  return letters;
}
