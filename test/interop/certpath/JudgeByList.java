import java.io.*;
import java.nio.file.*;
import java.security.cert.*;
import java.security.cert.Certificate;
import java.util.*;

/**
 * Judges certificates by revocation lists with the JDK's PKIX validator. Arguments: DER files of anchor and intermediate, the lists
 * separated by commas, then the leaves. First a line for each list: its entries, and "signed" when the authority of its name signed it.
 * Then a line for each leaf: "valid", or why not.
 */
public class JudgeByList {
  public static void main(String[] arguments) throws Exception {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    X509Certificate anchor = read(factory, arguments[0]);
    X509Certificate intermediate = read(factory, arguments[1]);
    List<X509CRL> lists = new ArrayList<>();
    for (String name : arguments[2].split(",")) {
      X509CRL list = (X509CRL) factory.generateCRL(new ByteArrayInputStream(Files.readAllBytes(Path.of(name))));
      X509Certificate issuer = list.getIssuerX500Principal().equals(anchor.getSubjectX500Principal()) ? anchor : intermediate;
      list.verify(issuer.getPublicKey());
      Set<? extends X509CRLEntry> entries = list.getRevokedCertificates();
      System.out.println((entries == null ? 0 : entries.size()) + " signed");
      lists.add(list);
    }
    CertStore store = CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists));
    for (String name : Arrays.copyOfRange(arguments, 3, arguments.length)) {
      try {
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(anchor, null)));
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.PREFER_CRLS, PKIXRevocationChecker.Option.NO_FALLBACK));
        parameters.addCertPathChecker(checker);
        parameters.addCertStore(store);
        validator.validate(factory.generateCertPath(List.of(read(factory, name), intermediate)), parameters);
        System.out.println("valid");
      } catch (CertPathValidatorException error) {
        System.out.println(error.getReason() + " " + String.valueOf(error.getMessage()).replace('\n', ' '));
      }
    }
  }

  private static X509Certificate read(CertificateFactory factory, String name) throws Exception {
    return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(Files.readAllBytes(Path.of(name))));
  }
}
