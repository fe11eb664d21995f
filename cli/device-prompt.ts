import type { DevicePrompt } from './sign-in/device.ts';

/** Shows what to do in the browser, one line after the other. */
export function showDevicePrompt(line: (text: string) => void): (prompt: DevicePrompt) => void {
  return ({ verificationUri, userCode, expiresIn }) => {
    line(`Open   ${verificationUri}`);
    line(`Enter  ${userCode}`);
    line(`waiting for the browser; the code is valid for ${Math.round(expiresIn / 60)} minutes ...`);
  };
}
