// SPDX-License-Identifier: Apache-2.0
// Usage: java Types.java SOCKET PORT FILE     (the contract: test_drivers.py)
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;
import java.sql.Types;
import java.util.HexFormat;

class Fixture {
    static void show(String name, ResultSet r, String protocol, boolean isBytes) throws Exception {
        byte[] v = isBytes ? r.getBytes(2) : r.getString(2) == null ? null : r.getString(2).getBytes(StandardCharsets.UTF_8);
        System.out.println(String.join("\t", name, r.getString(1), protocol, v == null ? "NULL" : HexFormat.of().formatHex(v)));
    }

    public static void main(String[] a) throws Exception {
        for (int prepared = 0; prepared < 2; prepared++) {
            String url = "jdbc:mariadb://127.0.0.1:" + a[1] + "/drivers?user=root&useServerPrepStmts=" + (prepared == 1);
            try (Connection c = DriverManager.getConnection(url)) {
                for (String line : Files.readAllLines(Path.of(a[2]))) {
                    String[] f = line.split("\t", -1);
                    boolean isBytes = f[2].equals("1");
                    byte[] bytes = f[3].equals("NULL") ? null : HexFormat.of().parseHex(f[3]);
                    if (prepared == 0) {
                        try (Statement s = c.createStatement()) {
                            s.execute("CREATE TABLE `" + f[0] + "` (id INT PRIMARY KEY, v " + f[1] + ")");
                        }
                    }
                    try (PreparedStatement s = c.prepareStatement("INSERT INTO `" + f[0] + "` VALUES (?, ?)")) {
                        s.setInt(1, prepared + 1);
                        if (bytes == null) {
                            s.setNull(2, Types.NULL);
                        } else if (isBytes) {
                            s.setBytes(2, bytes);
                        } else {
                            s.setString(2, new String(bytes, StandardCharsets.UTF_8));
                        }
                        s.execute();
                    }
                    try (PreparedStatement s = c.prepareStatement("SELECT id, v FROM `" + f[0] + "` WHERE id > ? ORDER BY id")) {
                        s.setInt(1, 0);
                        try (ResultSet r = s.executeQuery()) {
                            while (r.next()) {
                                show(f[0], r, prepared == 1 ? "binary" : "text", isBytes);
                            }
                            System.out.println(String.join("\t", f[0], "0", "type", HexFormat.of().formatHex(r.getMetaData().getColumnTypeName(2).getBytes())));
                        }
                    }
                }
            }
        }
    }
}
