# SPDX-License-Identifier: Apache-2.0
# Usage: types.pl SOCKET PORT FILE     (the contract: test_drivers.py)
use strict;
use warnings;
use DBI qw(:sql_types);

my ($socket, $port, $file) = @ARGV;

sub show {
    my ($name, $id, $protocol, $v) = @_;
    print join("\t", $name, $id, $protocol, defined $v ? unpack("H*", $v) : "NULL"), "\n";
}

open(my $in, "<", $file) or die;
my @rows = map { chomp; [split /\t/] } <$in>;
for my $is_prepared (0, 1) {
    my $c = DBI->connect("DBI:mysql:database=drivers;mysql_socket=$socket;mysql_server_prepare=$is_prepared", "root", "", {RaiseError => 1, PrintError => 0});
    $c->do("SET NAMES utf8mb4");
    for my $r (@rows) {
        my ($name, $definition, $is_bytes, $hex) = @$r;
        my $value = $hex eq "NULL" ? undef : pack("H*", $hex);
        $c->do("CREATE TABLE `$name` (id INT PRIMARY KEY, v $definition)") unless $is_prepared;
        my $s = $c->prepare("INSERT INTO `$name` VALUES (?, ?)");
        $s->bind_param(1, $is_prepared + 1, SQL_INTEGER);
        $s->bind_param(2, $value, $is_bytes ? SQL_BLOB : SQL_VARCHAR);
        $s->execute();
        $s = $c->prepare("SELECT id, v FROM `$name` WHERE id > ? ORDER BY id");
        $s->execute(0);
        show($name, $_->[0], $is_prepared ? "binary" : "text", $_->[1]) for @{$s->fetchall_arrayref};
    }
}
