// SPDX-License-Identifier: Apache-2.0
// What the JDK's trust manager says of each row of standard input: CHAIN TRUST SIDE NAME, tabs between.
// The names are compared by the class that HttpsURLConnection and HttpClient use.
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import sun.security.util.HostnameChecker;

class Verify {
	static List<X509Certificate> read(String path) throws Exception {
		List<X509Certificate> certs = new ArrayList<>();
		for (var cert : CertificateFactory.getInstance("X.509").generateCertificates(
				new ByteArrayInputStream(Files.readAllBytes(Path.of(path)))))
			certs.add((X509Certificate) cert);
		return certs;
	}

	static X509TrustManager manager(String path) throws Exception {
		KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
		store.load(null, null);
		for (X509Certificate cert : read(path))
			store.setCertificateEntry("ca" + store.size(), cert);
		TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
		factory.init(store);
		return (X509TrustManager) factory.getTrustManagers()[0];
	}

	static void judge(String chain, String trust, String side, String name) throws Exception {
		X509Certificate[] certs = read(chain).toArray(new X509Certificate[0]);
		String kind = certs[0].getPublicKey().getAlgorithm();

		if (side.equals("client"))
			manager(trust).checkClientTrusted(certs, kind);
		else
			manager(trust).checkServerTrusted(certs, "UNKNOWN");
		if (!name.isEmpty())
			HostnameChecker.getInstance(HostnameChecker.TYPE_TLS).match(name, certs[0]);
	}

	public static void main(String[] args) throws Exception {
		BufferedReader rows = new BufferedReader(new InputStreamReader(System.in));
		for (String row; (row = rows.readLine()) != null;) {
			String[] cell = row.split("\t", -1);
			try {
				judge(cell[0], cell[1], cell[2], cell[3]);
				System.out.println("accept");
			} catch (Exception e) {
				System.out.println("refuse " + e.toString().replace('\n', ' '));
			}
		}
	}
}
