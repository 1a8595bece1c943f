/**
 * Style sheet, browser modules and pictures, read once at start and served from memory: a name not read is not served,
 * so no path can lead out of the folder. Pages name files with their hash and may keep them for a year.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { Problem } from '#problem.ts';

const ASSETS_FOLDER = fileURLToPath(new URL('../../templates/assets', import.meta.url));
const MIN_COMPRESSED_BYTES = 1_024;
const HASH_LENGTH = 16;

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.wasm': 'application/wasm',
};

interface Asset {
  content: Buffer;
  type: string;
  hash: string;
  compressed?: Promise<Buffer>;
}

export interface Assets {
  /** The address of a file with its hash; throws when there is no such file, so that a wrong name in a template is found by its test. */
  address(name: string): string;
}

const compress = promisify(brotliCompress);

function readAsset(file: string): Asset {
  const content = readFileSync(file);
  const hash = createHash('sha256').update(content).digest('hex').slice(0, HASH_LENGTH);
  return { content, hash, type: TYPES[extname(file)] ?? 'application/octet-stream' };
}

/** The bar-code reader comes from its package: modules and the WebAssembly they load. */
function barcodeReaderFiles(): [name: string, file: string][] {
  const wasm = createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm');
  const dist = dirname(dirname(wasm));
  return [
    ['vendor/zxing/reader/index.js', join(dist, 'es/reader/index.js')],
    ['vendor/zxing/share.js', join(dist, 'es/share.js')],
    ['vendor/zxing/zxing_reader.wasm', wasm],
  ];
}

export function registerAssets(server: FastifyInstance): Assets {
  const assets = new Map<string, Asset>();
  for (const entry of readdirSync(ASSETS_FOLDER, { withFileTypes: true })) {
    if (entry.isFile() && extname(entry.name) in TYPES) assets.set(entry.name, readAsset(join(ASSETS_FOLDER, entry.name)));
  }
  for (const [name, file] of barcodeReaderFiles()) assets.set(name, readAsset(file));

  server.get<{ Params: { '*': string }; Querystring: { v?: string } }>('/assets/*', { schema: { hide: true } }, async (request, reply) => {
    const asset = assets.get(request.params['*']);
    if (!asset) throw new Problem('not-found');
    const etag = `"${asset.hash}"`;
    const kept = request.query.v === asset.hash ? 'public, max-age=31536000, immutable' : 'public, no-cache';
    reply.header('etag', etag).header('cache-control', kept).header('vary', 'accept-encoding');
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    reply.type(asset.type);
    const compressible = asset.content.length >= MIN_COMPRESSED_BYTES && !asset.type.startsWith('image/png');
    if (!compressible || !/\bbr\b/.test(request.headers['accept-encoding'] ?? '')) return reply.send(asset.content);
    asset.compressed ??= compress(asset.content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
    return reply.header('content-encoding', 'br').send(await asset.compressed);
  });
  server.get('/favicon.ico', { schema: { hide: true } }, async (_request, reply) => reply.redirect('/assets/mark.svg', 301));

  return {
    address(name) {
      const asset = assets.get(name);
      if (!asset) throw new Error(`There is no asset ${name}.`);
      return `/assets/${name}?v=${asset.hash}`;
    },
  };
}
