// The one seeded generator of the random cases: who draws from it, and in which order, decides every
// case that follows.

import { Random } from '../../differential/random.js'

const generator = Object.assign(new Random(0), { state: 20250530 })

export const random = () => generator.float()
export const below = (n) => generator.int(n)
export const pick = (list) => generator.pick(list)
export const chance = (p) => generator.chance(p)
