// The options under which a pattern is tried: those of a route and of a mount path, and variants.

export const ROUTE = { sensitive: false, strict: false, end: true }
export const MOUNT = { sensitive: false, strict: false, end: false }
export const STRICT = { sensitive: false, strict: true, end: true }
export const SENSITIVE = { sensitive: true, strict: false, end: true }
export const STRICT_MOUNT = { sensitive: true, strict: true, end: false }
export const EVERY = [ROUTE, MOUNT, STRICT, SENSITIVE, STRICT_MOUNT]
