import java.io.*;
import java.security.cert.*;
import java.security.cert.Certificate;
import java.util.*;

/**
 * Judges paths with the JDK's PKIX validator. Each line of standard input: time in ms, explicit, inhibitMapping, inhibitAny (0 or 1),
 * policies by comma or "-", then base64 certificates: the anchor, the intermediates from the top down, the leaf.
 * Answers a line for each: "valid" or "invalid" and why.
 */
public class JudgePaths {
  public static void main(String[] arguments) throws Exception {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = in.readLine()) != null; ) {
      String[] fields = line.split(" ");
      try {
        List<X509Certificate> certificates = new ArrayList<>();
        for (int index = 5; index < fields.length; index++) {
          byte[] der = Base64.getDecoder().decode(fields[index]);
          certificates.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der)));
        }
        X509Certificate anchor = certificates.remove(0);
        Collections.reverse(certificates);
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(anchor, null)));
        parameters.setRevocationEnabled(false);
        parameters.setDate(new Date(Long.parseLong(fields[0])));
        parameters.setExplicitPolicyRequired(fields[1].equals("1"));
        parameters.setPolicyMappingInhibited(fields[2].equals("1"));
        parameters.setAnyPolicyInhibited(fields[3].equals("1"));
        if (!fields[4].equals("-")) parameters.setInitialPolicies(Set.of(fields[4].split(",")));
        CertPathValidator.getInstance("PKIX").validate(factory.generateCertPath(certificates), parameters);
        System.out.println("valid");
      } catch (Exception error) {
        System.out.println("invalid " + String.valueOf(error.getMessage()).replace('\n', ' '));
      }
    }
  }
}
