import { App, DefaultStackSynthesizer, type IReusableStackSynthesizer, type Stack } from 'aws-cdk-lib';
import { ServiceStack } from './service-stack.ts';
import { SharedStack } from './shared-stack.ts';

/** The templates of the task rehearsal as JSON. They need no bootstrapped account, because they have no assets. */
export function synthesizeTemplates(): { readonly shared: string; readonly service: string } {
  const synthesizer = new DefaultStackSynthesizer({ generateBootstrapVersionRule: false });
  const app = new App({
    analyticsReporting: false,
    defaultStackSynthesizer: synthesizer as IReusableStackSynthesizer,
  });
  const stacks = { shared: new SharedStack(app), service: new ServiceStack(app) };
  const assembly = app.synth();
  const templateOf = ({ artifactId }: Stack): string => JSON.stringify(assembly.getStackArtifact(artifactId).template);
  return { shared: templateOf(stacks.shared), service: templateOf(stacks.service) };
}
