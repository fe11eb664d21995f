import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../rehearsal/free-port.ts';
import { onCore, treeOf } from './processes.ts';
import { scratchFolder, startChild, stop } from './scratch.ts';

export interface Nginx {
  readonly port: number;
  /** The pids of master and worker. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** nginx in front of a task's socket, with a rate limit per token and one log line per request. Undefined if not installed. */
export async function startNginx(upstream: string): Promise<Nginx | undefined> {
  if (spawnSync('nginx', ['-v']).status !== 0) return undefined;
  const folder = scratchFolder();
  const port = await freePort();
  const file = join(folder.path, 'nginx.conf');
  writeFileSync(file, configuration(folder.path, port, upstream));
  const commandLine = ['nginx', '-p', folder.path, '-c', file, '-e', join(folder.path, 'error.log')];
  const [command, args] = onCore('server', commandLine);
  const master = startChild(command, args, { stdio: 'ignore' });
  const pid = master.pid ?? 0;
  const deadline = Date.now() + 5_000;
  while (treeOf(pid).length < 2 && Date.now() < deadline) await wait(20);
  return {
    port,
    pids: treeOf(pid),
    async stop() {
      await stop(master);
      await folder.remove();
    },
  };
}

function configuration(folder: string, port: number, upstream: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  ${temporary.join(' ')}
  access_log ${folder}/access.log combined;
  limit_req_zone $http_authorization zone=tenants:10m rate=1000000r/s;
  upstream task { server unix:${upstream}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 1000000000;
    location / {
      limit_req zone=tenants burst=1000000 nodelay;
      proxy_pass http://task;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`;
}
