/** The manifest of the release that new tenants get. */
export interface ManifestReference {
  readonly release: string;
  /** Where objects of the bucket of releases are, without a slash at its end; the last part is the bucket's name. */
  readonly bucketUrl: string;
  /** Of the manifest's text, in hexadecimal digits. */
  readonly sha256: string;
}

/** Where a template of a release is, and which parameters it has. */
export interface PublishedTemplate {
  readonly url: string;
  readonly parameters: readonly string[];
}

export interface PublishedRelease {
  readonly release: string;
  /** By name. */
  readonly templates: Readonly<Record<string, PublishedTemplate>>;
}

/** The releases that were installed in the environment, each with the templates that it had. */
export interface Manifests {
  /**
   * Each manifest is read once.
   * @throws FAILED if the release was never installed, or if its manifest is invalid; UNAVAILABLE if a later call may succeed
   */
  of(release: string): Promise<PublishedRelease>;
}

/** The folder of all releases. Nothing outside of it is ever read. */
export const RELEASES_FOLDER = 'releases';

/** The key of a release's manifest. Keys of its templates have the same beginning. */
export function manifestKey(release: string): string {
  return `${RELEASES_FOLDER}/${release}/manifest.json`;
}
