// SPDX-License-Identifier: Apache-2.0
// A Java client: Client P12 PASSWORD CA.pem PORT...  One line for each port: "sent N" certificates and "ok", or the
// message of what stopped it.  JSSE obeys the server's list of CA names.
import java.io.FileInputStream;
import java.io.InputStream;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class Client {
    public static void main(String[] args) throws Exception {
        char[] password = args[1].toCharArray();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = new FileInputStream(args[0])) {
            keys.load(in, password);
        }
        KeyStore trust = KeyStore.getInstance(KeyStore.getDefaultType());
        trust.load(null, null);
        int n = 0;
        try (InputStream in = new FileInputStream(args[2])) {
            for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                trust.setCertificateEntry("ca" + n++, one);
            }
        }
        KeyManagerFactory mine = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        mine.init(keys, password);
        TrustManagerFactory theirs = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        theirs.init(trust);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(mine.getKeyManagers(), theirs.getTrustManagers(), null);
        for (int i = 3; i < args.length; i++) {
            System.out.println(meet(context, Integer.parseInt(args[i])));
        }
    }

    private static String meet(SSLContext context, int port) {
        String sent = "";
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("localhost", port)) {
            socket.setSoTimeout(20000);
            socket.startHandshake();
            Certificate[] own = socket.getSession().getLocalCertificates();
            sent = "sent " + (own == null ? 0 : own.length) + " ";
            socket.getOutputStream().write("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n".getBytes());
            byte[] head = new byte[12];
            int len = socket.getInputStream().readNBytes(head, 0, head.length);
            return sent + new String(head, 0, len);
        } catch (Exception e) {
            return sent + e.getMessage();
        }
    }
}
