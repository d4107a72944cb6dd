export function serve(folder: string): Promise<{ address: string; close: () => void }>;
