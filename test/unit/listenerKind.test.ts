import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { type ListenerKind, listenerKind } from '../../src/diagnostics/connectionFacts';
import type { PortListener } from '../../src/host/portObservation';
import { oldTws } from '../support/situations';

type Role = PortListener['role'];

const table: readonly (readonly [Role, readonly string[] | undefined, ListenerKind])[] = [
  ['tws', ['java', 'jclient.LoginFrame'], 'tws'],
  ['java', ['java', '-jar', 'thing.jar'], 'unknown'],
  ['java', ['java', 'ibgroup.web.core.clientportal.gw.GatewayStart'], 'stranger'],
  ['java', ['java', '-jar', '/opt/jenkins.war'], 'stranger'],
  ['hidden', undefined, 'unknown'],
  ['nobody', undefined, 'unknown'],
  ['other', [], 'unknown'],
  ['proxy', ['socat'], 'proxy'],
  ['other', ['nginx: master process /usr/sbin/nginx'], 'stranger'],
  ['other', ['/usr/sbin/sshd', '-D'], 'stranger'],
  ['other', ['sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups'], 'stranger'],
  // The process of one login listens for what its client forwards (ssh -R).
  ['other', ['sshd: me@notty'], 'proxy'],
  ['other', ['nc', '-l', '7497'], 'stranger'],
  ['helper', ['python3', 'app.py'], 'stranger'],
  ['other', ['python3', '-m', 'http.server', '7497'], 'stranger'],
  ['other', ['python3', '-c', 'from http.server import HTTPServer'], 'stranger'],
  ['other', ['node', '-e', "require('node:http').createServer()"], 'stranger'],
  ['other', ['node', '/ws/node_modules/.bin/vite'], 'stranger'],
  ['other', ['node', 'server.js'], 'interpreter'],
  ['other', ['/usr/bin/python3.12', 'fake_tws.py'], 'interpreter'],
  ['other', ['python3', '/tmp/bin/socat', 'TCP-LISTEN:4002'], 'proxy'],
  ['other', ['C:\\Program Files\\thing\\thing.exe'], 'native'],
  ['other', ['/opt/thing/thingd'], 'native'],
];

function listener(role: Role, argv: readonly string[] | undefined): PortListener {
  return { ...oldTws, role, argv, product: role === 'tws' ? 'TWS' : undefined };
}

describe('what listens', () => {
  for (const [role, argv, kind] of table) {
    it(`${role} ${argv?.join(' ') ?? 'hidden'}: ${kind}`, () => {
      assert.equal(listenerKind({ listeners: [listener(role, argv)] }), kind);
    });
  }

  it('is nobody, or unknown, and never one for the other', () => {
    assert.equal(listenerKind({ listeners: [] }), 'none');
    assert.equal(listenerKind({ listeners: undefined }), 'unknown');
  });

  it('is TWS as soon as one of several is', () => {
    const both = [listener('other', ['nginx']), listener('tws', ['java'])];
    assert.equal(listenerKind({ listeners: both }), 'tws');
  });
});
