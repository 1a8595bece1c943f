import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.MessageDigest;
import java.security.Security;
import java.util.Arrays;
import org.apache.pdfbox.cos.COSArray;
import org.apache.pdfbox.cos.COSDictionary;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.PDSignature;
import org.bouncycastle.asn1.ASN1InputStream;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationVerifier;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.tsp.TimeStampToken;

/** What PDFBox and Bouncy Castle see of the signatures of PDF files: one line for each file, signature and timestamp. */
public class ReadSignatures {
  static final ASN1ObjectIdentifier TIMESTAMP = new ASN1ObjectIdentifier("1.2.840.113549.1.9.16.2.14");

  public static void main(String[] names) throws Exception {
    Security.addProvider(new BouncyCastleProvider());
    for (String name : names) {
      byte[] bytes = Files.readAllBytes(Paths.get(name));
      try (PDDocument document = PDDocument.load(bytes)) {
        COSDictionary dss = (COSDictionary) document.getDocumentCatalog().getCOSObject().getDictionaryObject("DSS");
        System.out.println("file " + Paths.get(name).getFileName() + " dss=" + count(dss, "Certs") + "," + count(dss, "CRLs") + "," + count(dss, "OCSPs"));
        for (PDSignature signature : document.getSignatureDictionaries()) read(signature, bytes);
      }
    }
  }

  static void read(PDSignature signature, byte[] bytes) throws Exception {
    byte[] contents = new ASN1InputStream(signature.getContents(bytes)).readObject().getEncoded("DER");
    byte[] content = signature.getSignedContent(bytes);
    if ("ETSI.RFC3161".equals(signature.getSubFilter())) {
      System.out.println("document-timestamp " + token(contents, content));
      return;
    }
    CMSSignedData data = new CMSSignedData(new CMSProcessableByteArray(content), contents);
    SignerInformation signer = data.getSignerInfos().getSigners().iterator().next();
    X509CertificateHolder holder = (X509CertificateHolder) data.getCertificates().getMatches(signer.getSID()).iterator().next();
    System.out.println("signature " + signature.getSubFilter() + " " + signer.verify(verifier(holder)));
    Attribute stamp = signer.getUnsignedAttributes() == null ? null : signer.getUnsignedAttributes().get(TIMESTAMP);
    if (stamp != null) {
      byte[] der = stamp.getAttrValues().getObjectAt(0).toASN1Primitive().getEncoded("DER");
      System.out.println("signature-timestamp " + token(der, signer.getSignature()));
    }
  }

  static String token(byte[] der, byte[] stamped) throws Exception {
    TimeStampToken token = new TimeStampToken(new CMSSignedData(der));
    String digest = token.getTimeStampInfo().getMessageImprintAlgOID().getId();
    boolean imprint = Arrays.equals(MessageDigest.getInstance(digest, "BC").digest(stamped), token.getTimeStampInfo().getMessageImprintDigest());
    X509CertificateHolder holder = (X509CertificateHolder) token.getCertificates().getMatches(token.getSID()).iterator().next();
    token.validate(verifier(holder));
    return String.valueOf(imprint);
  }

  static SignerInformationVerifier verifier(X509CertificateHolder holder) throws Exception {
    return new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(holder);
  }

  static int count(COSDictionary dss, String key) {
    return dss == null || dss.getDictionaryObject(key) == null ? 0 : ((COSArray) dss.getDictionaryObject(key)).size();
  }
}
