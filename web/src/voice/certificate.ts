/**
 * The DTLS certificate, made before any transport.
 *
 * JoinChannel must carry the fingerprints of the receiving transport, but mediasoup-client tells them only when that
 * transport first consumes. A certificate that is generated first and given to both transports is known in advance.
 */

/** One certificate for both transports of every stream of a client; browsers keep it valid for 30 days. */
export async function generateCertificate(): Promise<RTCCertificate> {
  return await RTCPeerConnection.generateCertificate({ name: "ECDSA", namedCurve: "P-256" } as EcKeyGenParams);
}

/** The DtlsParameters (JSON) that a transport with this certificate will have. Both our transports are DTLS clients. */
export async function dtlsParameters(certificate: RTCCertificate): Promise<string> {
  const told = certificate.getFingerprints?.() ?? [];
  const fingerprints = told.length > 0 ? told : await fingerprintsFromOffer(certificate);
  return JSON.stringify({ role: "client", fingerprints });
}

/** Older Firefox has no `getFingerprints`: an offer that is never used shows them as well (RFC 8122 section 5). */
export async function fingerprintsFromOffer(certificate: RTCCertificate): Promise<RTCDtlsFingerprint[]> {
  const connection = new RTCPeerConnection({ certificates: [certificate] });
  try {
    connection.addTransceiver("audio");
    const offer = await connection.createOffer();
    const found = (offer.sdp ?? "").matchAll(/^a=fingerprint:(\S+) (\S+)/gm);
    const unique = new Map([...found].map(([, algorithm = "", value = ""]) => [algorithm, value]));
    return [...unique].map(([algorithm, value]) => ({ algorithm, value }));
  } finally {
    connection.close();
  }
}
