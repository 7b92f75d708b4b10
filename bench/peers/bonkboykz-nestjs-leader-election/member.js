'use strict';
// A Nest application with @bonkboykz/nestjs-leader-election, all intervals at their defaults.
//
//     node member.js PORT PREFIX

require('reflect-metadata');
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { LeaderElectionModule, LeaderElectionHelper } = require('@bonkboykz/nestjs-leader-election');
const { observe } = require('../observe.js');

const [port, prefix] = process.argv.slice(2);

class Application {}
Module({
  imports: [LeaderElectionModule.forRoot({ host: '127.0.0.1', port: Number(port), prefix })],
})(Application);

async function main() {
  const application = await NestFactory.createApplicationContext(Application, {
    logger: ['error'],
  });
  const helper = application.get(LeaderElectionHelper);
  observe(() => helper.isLeader());
}

main();
