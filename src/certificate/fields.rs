//! The fields of a certificate that its validity stands among.

use yasna::{ASN1Result, BERReader, BERReaderSeq, Tag};

/// Reads from the validity on; what is left over is read past. rustls has looked at the certificate as a whole by now, and
/// takes version 3 alone, so that the optional version is there.
/// <https://www.rfc-editor.org/rfc/rfc5280#section-4.1>
pub(super) fn read_fields<T>(
    certificate: BERReader<'_, '_>,
    read: impl FnOnce(&mut BERReaderSeq<'_, '_>) -> ASN1Result<T>,
) -> ASN1Result<T> {
    certificate.read_sequence(|certificate| {
        let found = certificate.next().read_sequence(|fields| {
            fields.next().read_tagged(Tag::context(0), |version| version.read_u8())?;
            for _ in ["serial number", "signature", "issuer"] {
                fields.next().read_der()?;
            }
            let found = read(fields)?;
            skip(fields)?;
            Ok(found)
        })?;
        skip(certificate)?;
        Ok(found)
    })
}

fn skip(rest: &mut BERReaderSeq<'_, '_>) -> ASN1Result<()> {
    while rest.read_optional(|field| field.read_der())?.is_some() {}
    Ok(())
}
