/**
 * How loud a track is, and its spectrum. This is the only user of an AudioContext; it is made at the first use, which
 * should follow a click, or the browser starts it suspended.
 */

/** What a meter shows as silence and as full, in dBFS. */
const FLOOR_DBFS = -60;
const CEILING_DBFS = -10;

let context: AudioContext | undefined;

/** The page's one AudioContext, running if the browser allows it. */
export function audioContext(): AudioContext {
  context ??= new AudioContext({ latencyHint: "interactive" });
  if (context.state === "suspended") void context.resume();
  return context;
}

/** An analyser on a track, fed until `close`. A remote track must also be played by an element, or it yields silence. */
export class TrackAnalyser {
  readonly node: AnalyserNode;
  readonly #source: MediaStreamAudioSourceNode;
  readonly #samples: Float32Array<ArrayBuffer>;

  /** @param fftSize samples of the window, a power of two: 2048 are 43 ms at 48 kHz, 23 Hz a bin. */
  constructor(
    readonly track: MediaStreamTrack,
    fftSize = 2048,
  ) {
    const { node, source } = connect(track, fftSize);
    this.node = node;
    this.#source = source;
    this.#samples = new Float32Array(fftSize);
  }

  /** Root mean square of the latest window, in dBFS; −Infinity is digital silence. */
  level(): number {
    this.node.getFloatTimeDomainData(this.#samples);
    const energy = this.#samples.reduce((sum, sample) => sum + sample * sample, 0);
    return 10 * Math.log10(energy / this.#samples.length);
  }

  close(): void {
    this.#source.disconnect();
  }
}

function connect(track: MediaStreamTrack, fftSize: number): { node: AnalyserNode; source: MediaStreamAudioSourceNode } {
  const where = audioContext();
  const node = where.createAnalyser();
  node.fftSize = fftSize;
  node.smoothingTimeConstant = 0;
  const source = where.createMediaStreamSource(new MediaStream([track]));
  source.connect(node);
  return { node, source };
}

/** A level in dBFS as a share of a meter's length, 0 to 1. */
export function meterShare(dbfs: number): number {
  return Math.min(1, Math.max(0, (dbfs - FLOOR_DBFS) / (CEILING_DBFS - FLOOR_DBFS)));
}
