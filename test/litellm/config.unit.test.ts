import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { expect, test } from 'vitest';
import {
  CALLBACK_ENVIRONMENT,
  callbackSettings,
  litellmConfig,
} from '../../dev/litellm/litellm-config.ts';

const GUIDE = readFileSync('docs/integrating.md', 'utf8');

interface ProxyConfig {
  readonly litellm_settings: Readonly<Record<string, unknown>>;
  readonly callback_settings: Readonly<Record<string, unknown>>;
}

test('docs/integrating.md shows the settings that real proxies are tested with', () => {
  const [, yaml = ''] = /^ *```yaml\n([^]*?)^ *```/m.exec(GUIDE) ?? [];
  const shown = parse(yaml) as ProxyConfig;
  const tested = JSON.parse(litellmConfig('https://billing.example.com')) as ProxyConfig;
  expect(shown.callback_settings).toEqual({
    arcadia: callbackSettings('https://billing.example.com'),
  });
  expect(shown.callback_settings).toEqual(tested.callback_settings);
  expect(tested.litellm_settings).toMatchObject({
    ...shown.litellm_settings,
    callbacks: ['arcadia', 'gateway.spend_log'],
  });
  for (const [name, value] of Object.entries(CALLBACK_ENVIRONMENT)) {
    expect(GUIDE).toContain(`${name}=${value}\n`);
  }
});
