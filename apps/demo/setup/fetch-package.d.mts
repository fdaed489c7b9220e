export interface RegistryPackage {
  name: string;
  version: string;
  integrity: string;
}

export function fetchPackage(
  release: RegistryPackage,
  folder: string,
  complete?: (folder: string) => Promise<void>,
): Promise<void>;
