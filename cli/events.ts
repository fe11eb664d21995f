import type { Command } from 'commander';
import type { DeadLetter } from '../control-plane/api/operator/schemas.ts';
import { contextOf, examples } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { CliError } from './exit-codes.ts';
import { addListOptions, itemsToList, type ListOptions, PAGE_SIZE } from './list.ts';
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
  addListOptions(events.command('dead-letters'))
    .description('events whose last delivery attempt failed')
    .addHelpText('after', examples('events dead-letters', 'events dead-letters --json | jq .[].event'))
    .action(async (options: ListOptions, command: Command) => {
      const context = contextOf(command);
      const letters = await itemsToList(deadLetters(await ControlPlane.open(context)), options, 'dead letters');
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
      const letters = id === undefined ? await itemsToList(deadLetters(controlPlane), {}, 'dead letters') : [{ id }];
      const ids = letters.map((letter) => letter.id);
      for (const one of ids) {
        const path = `/operator/dead-letters/${encodeURIComponent(one)}/replay`;
        await controlPlane.call('POST', path, undefined, { hints });
      }
      if (context.json) printJson({ replayed: ids });
      else printLine(ids.length === 0 ? 'no dead letters' : `replayed: ${ids.join(', ')}`);
    });
}

function deadLetters(controlPlane: ControlPlane): AsyncIterable<DeadLetter> {
  return controlPlane.list('/operator/dead-letters', PAGE_SIZE);
}
