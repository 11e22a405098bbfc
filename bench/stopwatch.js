/* Notes in the page when a stream opens, joins and resumes, and when the first sound arrives after that. */
(() => {
  const OPCODE_RESPONSE = 0;
  const JOINED_CHANNEL = (3 << 3) | 2; // field 3 of StreamMessageResponse
  const RESUME_CONSUMER = (4 << 3) | 2; // field 4 of StreamMessageRequest
  const times = window.top.stopwatch ??= {}; // a frame of the page has its connections
  const clock = window.top.performance;

  const Socket = window.WebSocket;
  window.WebSocket = class WebSocket extends Socket {
    constructor(...options) {
      super(...options);
      for (const key of Object.keys(times)) delete times[key];
      times.opening = clock.now();
      this.addEventListener("open", () => { times.open = clock.now(); });
      this.addEventListener("message", ({ data }) => {
        const [opcode, tag] = new Uint8Array(data);
        if (opcode === OPCODE_RESPONSE && tag === JOINED_CHANNEL) times.joined ??= clock.now();
      });
    }

    send(data) {
      if (new Uint8Array(data.buffer ?? data)[data.byteOffset ?? 0] === RESUME_CONSUMER) times.resumed ??= clock.now();
      super.send(data);
    }
  };

  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class RTCPeerConnection extends Peer {
    constructor(...options) {
      super(...options);
      // A remote track is unmuted by its first RTP packet.
      this.addEventListener("track", ({ track }) => {
        track.addEventListener("unmute", () => { times.sound ??= clock.now(); });
      });
    }
  };
})();
