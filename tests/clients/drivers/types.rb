# SPDX-License-Identifier: Apache-2.0
# Usage: types.rb SOCKET PORT FILE     (the contract: test_drivers.py)
require "mysql2"
socket, _port, file = ARGV

def show(name, id, protocol, v)
  text = case v
         when nil then nil
         when BigDecimal then v.to_s("F")
         when Time then v.strftime("%Y-%m-%d %H:%M:%S.%6N")
         else v.to_s
         end
  puts [name, id, protocol, text.nil? ? "NULL" : text.b.unpack1("H*")].join("\t")
end

c = Mysql2::Client.new(socket: socket, username: "root", database: "drivers", encoding: "utf8mb4", cast_booleans: false)
File.readlines(file, chomp: true).each do |line|
  name, definition, is_bytes, hex = line.split("\t")
  value = hex == "NULL" ? nil : [hex].pack("H*")
  value&.force_encoding(is_bytes == "1" ? "BINARY" : "UTF-8")
  c.query("CREATE TABLE `#{name}` (id INT PRIMARY KEY, v #{definition})")
  text = value.nil? ? "NULL" : is_bytes == "1" ? "x'#{hex}'" : "'#{c.escape(value)}'"
  c.query("INSERT INTO `#{name}` VALUES (1, #{text})")
  c.prepare("INSERT INTO `#{name}` VALUES (?, ?)").execute(2, value)
  c.query("SELECT id, v FROM `#{name}` ORDER BY id", cast: false).each { |r| show(name, r["id"], "text", r["v"]) }
  c.query("SELECT id, v FROM `#{name}` ORDER BY id").each { |r| show(name, r["id"], "text, cast", r["v"]) }
  c.prepare("SELECT id, v FROM `#{name}` WHERE id > ? ORDER BY id").execute(0).each { |r| show(name, r["id"], "binary", r["v"]) }
end
