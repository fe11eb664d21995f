import { prepareImage } from './from-scratch.ts';

/** `node scripts/images/prepare.ts NAME FOLDER`: writes what an engine needs to build the image; see `prepareImage`. */
const [name = '', folder = ''] = process.argv.slice(2);
prepareImage(name, folder);
