import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { causeIds } from '../../src/diagnostics/causeIds';
import { guideFragment } from '../../src/ui/guideAnchor';

describe('The place of a cause in the guide', () => {
  it('is the id that the preview gives to the heading behind the anchor', () => {
    const text = '<a id="bad_host"></a>\n\n## The host "localhost", or IPv6: what (now)?\n';
    assert.equal(guideFragment(text, 'bad_host'), 'the-host-localhost-or-ipv6-what-now');
  });

  it('is undefined where the guide does not have it', () => {
    assert.equal(guideFragment('# Guide', 'bad_host'), undefined);
  });

  it('exists in the shipped guide for every cause, and is its own', () => {
    const file = path.join(__dirname, '..', '..', 'media', 'guide', 'setup.md');
    const text = readFileSync(file, 'utf8');
    const fragments = causeIds.map((id) => guideFragment(text, id));
    assert.deepEqual(
      causeIds.filter((_id, index) => fragments[index] === undefined),
      [],
    );
    assert.equal(new Set(fragments).size, causeIds.length);
  });
});
